// The first steps of a machine: update its repository, install its dependencies and assemble its services.
// `bin/start-machine` runs this, and the supervisor if it succeeds.
import { installDependencies } from "./entry/dependencies.ts";
import { updateRepository } from "./entry/repository.ts";
import { assembleServices } from "./entry/services.ts";
import { readSettings } from "./entry/settings.ts";
import { killRunning } from "./lib/command.ts";
import { SCAN_DIRECTORY } from "./lib/paths.ts";
import { redactor } from "./lib/redact.ts";
import { Steps } from "./lib/step.ts";

const steps = new Steps(redactor(process.env));

// Kill a running clone or installation. Not `once`: `bin/start-machine` repeats the signal until this process
// ends, and a second one must not end it before everything is killed and reported.
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
