// What a machine does first: bring its repository up to date, install its dependencies, assemble its
// services, and become the supervisor that runs them.
import { becomeSupervisor } from "./entry/become-supervisor.ts";
import { installDependencies } from "./entry/dependencies.ts";
import { updateRepository } from "./entry/repository.ts";
import { assembleServices } from "./entry/services.ts";
import { readSettings } from "./entry/settings.ts";
import { killRunning } from "./lib/command.ts";
import { SCAN_DIRECTORY } from "./lib/paths.ts";
import { redactor } from "./lib/redact.ts";
import { Steps } from "./lib/step.ts";

const steps = new Steps(redactor(process.env));

// The first process of a container gets no default signal handling: without this, `docker stop`
// would wait and then kill.
for (const signal of ["SIGTERM", "SIGINT"] as const) {
  process.once(signal, () => {
    killRunning();
    steps.say(`stopped by ${signal} during ${steps.current}`);
    process.exit(0);
  });
}

try {
  const settings = readSettings(process.env);
  // The services need to know it too, and a default should be written in one place.
  process.env["ITERATE_REPO_DIR"] = settings.repository;

  await steps.run("repository", () => updateRepository(settings));
  await steps.run("dependencies", () => installDependencies(settings.repository));
  await steps.run("services", () => assembleServices(settings, SCAN_DIRECTORY));
  await becomeSupervisor(SCAN_DIRECTORY, settings.repository);
} catch (error) {
  steps.complain(error instanceof Error ? error.message : String(error));
  process.exit(1);
}
