// What a machine does first: bring its repository up to date, install its dependencies and assemble its
// services. `bin/start-machine` runs it, and the supervisor of those services when it succeeds.
import { installDependencies } from "./entry/dependencies.ts";
import { updateRepository } from "./entry/repository.ts";
import { assembleServices } from "./entry/services.ts";
import { readSettings } from "./entry/settings.ts";
import { killRunning } from "./lib/command.ts";
import { SCAN_DIRECTORY } from "./lib/paths.ts";
import { redactor } from "./lib/redact.ts";
import { Steps } from "./lib/step.ts";

const steps = new Steps(redactor(process.env));

// A clone or an installation is not left to go on by itself. Not `once`: `bin/start-machine` asks again until
// this has ended, and a second signal must not end it before it has killed and told everything.
for (const signal of ["SIGTERM", "SIGINT"] as const) {
  process.on(signal, () => {
    killRunning();
    steps.say(`stopped by ${signal} during ${steps.current}`);
    process.exit(0);
  });
}

try {
  const settings = readSettings(process.env);
  await steps.run("repository", () => updateRepository(settings));
  await steps.run("dependencies", () => installDependencies(settings.repository));
  await steps.run("services", () => assembleServices(settings, SCAN_DIRECTORY));
} catch (error) {
  steps.complain(error instanceof Error ? error.message : String(error));
  process.exit(1);
}
