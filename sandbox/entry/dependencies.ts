// Step `dependencies`: install what the lockfile names, unless it is installed already.
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { run } from "../lib/command.ts";

const INSTALL_SECONDS = 900;

export async function installDependencies(repository: string): Promise<string> {
  const lockfile = join(repository, "pnpm-lock.yaml");
  if (!existsSync(lockfile) || !existsSync(join(repository, "package.json")))
    return "none declared";
  const declared = await readFile(lockfile);
  const digest = createHash("sha256").update(declared).digest("hex");
  // Stored with the dependencies, so that deleting them deletes it.
  const record = join(repository, "node_modules", ".os2-lockfile");
  if ((await readFile(record, "utf8").catch(() => "")) === digest) return "up to date";
  await run("pnpm", ["install", "--frozen-lockfile"], {
    cwd: repository,
    env: { ...process.env, CI: "true" },
    seconds: INSTALL_SECONDS,
  });
  // pnpm may have written it in its own form; that isn't a change that the machine made.
  await writeFile(lockfile, declared);
  await mkdir(join(repository, "node_modules"), { recursive: true });
  await writeFile(record, digest);
  return "installed with pnpm";
}
