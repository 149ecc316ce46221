// Step `services`: assemble the supervisor's scan directory from the services of the image and of the
// repository.
import { existsSync } from "node:fs";
import { chmod, cp, mkdir, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { basename, isAbsolute, join, resolve } from "node:path";
import { HOME, OWN_SERVICES } from "../lib/paths.ts";
import { isServiceName } from "../lib/service-name.ts";
import type { Settings } from "./settings.ts";

/** Where a repository may have its services; the first that exists is used. */
export const USUAL_PLACES = [
  ".os2/services",
  "s6",
  "sandbox/services",
  "apps/os2/sandbox/s6-daemons",
];

/** How long a service may take to end before it is killed, unless it sets `timeout-kill`. */
const KILL_AFTER_MILLISECONDS = "2000\n";

/** What a supervisor writes into a service's directory. */
const RUNTIME_STATE = new Set(["supervise", "event"]);

export async function assembleServices(settings: Settings, scanDirectory: string): Promise<string> {
  const own = await findServices(OWN_SERVICES, { ours: true });
  const folder = await servicesFolder(settings);
  const theirs = folder ? await findServices(folder) : [];
  const chosen = merge(own, theirs);

  await rm(scanDirectory, { recursive: true, force: true });
  await mkdir(scanDirectory, { recursive: true });
  for (const service of chosen) await install(service, join(scanDirectory, basename(service)));
  const leftOut = folder ? (await lookForServices(folder)).filter((one) => !one.isProgram) : [];
  const names = leftOut.map((one) => basename(one.folder)).join(", ");
  return `${describe(chosen, theirs)}${names && `; left out, as run is not executable: ${names}`}`;
}

/** A service of the repository replaces one of the image with the same name. */
export function merge(own: readonly string[], theirs: readonly string[]): string[] {
  const byName = new Map([...own, ...theirs].map((folder) => [basename(folder), folder]));
  return [...byName.values()].sort((a, b) => basename(a).localeCompare(basename(b)));
}

async function servicesFolder({ repository, services }: Settings): Promise<string | undefined> {
  if (services) {
    const folder = isAbsolute(services) ? services : resolve(repository, services);
    if (!existsSync(folder)) throw new Error(`ITERATE_SERVICES_DIR doesn't exist: ${folder}`);
    return folder;
  }
  // In a checkout of os2 itself, this directory holds the services of the image.
  if (await isOurSource(join(repository, "sandbox"))) return undefined;
  return USUAL_PLACES.map((place) => join(repository, place)).find((folder) => existsSync(folder));
}

async function isOurSource(folder: string): Promise<boolean> {
  const nameIn = async (file: string) =>
    (JSON.parse(await readFile(file, "utf8")) as { name?: unknown }).name;
  try {
    const name = await nameIn(join(folder, "package.json"));
    return name === (await nameIn(join(HOME, "package.json")));
  } catch {
    return false;
  }
}

/** Every directory with a program `run`. The image's own may have lost their file modes in the build. */
export async function findServices(folder: string, { ours = false } = {}): Promise<string[]> {
  const found = await lookForServices(folder);
  return found.filter(({ isProgram }) => ours || isProgram).map((one) => one.folder);
}

interface Found {
  readonly folder: string;
  readonly isProgram: boolean;
}

async function lookForServices(folder: string): Promise<Found[]> {
  const found: Found[] = [];
  for (const name of (await readdir(folder)).sort()) {
    const run = await stat(join(folder, name, "run")).catch(() => undefined);
    if (!isServiceName(name) || !run?.isFile()) continue;
    found.push({ folder: join(folder, name), isProgram: (run.mode & 0o111) !== 0 });
  }
  return found;
}

async function install(source: string, target: string): Promise<void> {
  await cp(source, target, {
    recursive: true,
    dereference: true,
    filter: (path) => !RUNTIME_STATE.has(basename(path)),
  });
  for (const folder of [target, join(target, "log")]) {
    for (const program of ["run", "finish"]) {
      if (existsSync(join(folder, program))) await chmod(join(folder, program), 0o755);
    }
    const limit = join(folder, "timeout-kill");
    if (existsSync(folder) && !existsSync(limit)) await writeFile(limit, KILL_AFTER_MILLISECONDS);
  }
}

function describe(chosen: readonly string[], theirs: readonly string[]): string {
  const names = chosen.map((folder) =>
    theirs.includes(folder) ? `${basename(folder)} (repository)` : basename(folder),
  );
  return names.join(", ");
}
