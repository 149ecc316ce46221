// Build step: prepare the repository in the image, so that a machine starts fast.
import { writeFileSync } from "node:fs";
import { installDependencies } from "./entry/dependencies.ts";
import { listFiles } from "./entry/mount-files.ts";
import { BAKED_REPOSITORY, RECORDED_FILES } from "./lib/paths.ts";

const files = await listFiles(BAKED_REPOSITORY);
writeFileSync(RECORDED_FILES, JSON.stringify(files));
const done = await installDependencies(BAKED_REPOSITORY);
process.stdout.write(`repository: ${files.length} files, dependencies: ${done}\n`);
