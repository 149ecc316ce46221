// Build step: record what the image is made of in a file: the distribution, and every package from it and npm.
import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

export interface Package {
  readonly name: string;
  readonly version: string;
}

/** Returns what `dpkg-query` prints, one package per line, by name. */
export function debianPackages(output: string): (Package & { readonly architecture: string })[] {
  const lines = output.split("\n").filter((line) => line !== "");
  return lines.map((line) => {
    const [name = "", version = "", architecture = ""] = line.split("\t");
    return { name, version, architecture };
  });
}

/** Returns the packages below a `node_modules` directory, also those that packages bring along. */
export function npmPackages(folder: string): Package[] {
  const found = packagesIn(folder).flatMap((path) => {
    const { name, version } = JSON.parse(readFileSync(join(path, "package.json"), "utf8"));
    return [{ name, version }, ...npmPackages(join(path, "node_modules"))];
  });
  return distinct(found);
}

/** Returns the directories of packages: `name` and `@scope/name`. */
function packagesIn(folder: string): string[] {
  return directoriesIn(folder).flatMap((name) => {
    const path = join(folder, name);
    if (name.startsWith("@")) return packagesIn(path);
    return hasFile(path, "package.json") ? [path] : [];
  });
}

function directoriesIn(folder: string): string[] {
  try {
    const entries = readdirSync(folder, { withFileTypes: true });
    return entries.filter((each) => each.isDirectory()).map((each) => each.name);
  } catch {
    return []; // a package without packages of its own
  }
}

const hasFile = (folder: string, name: string) => readdirSync(folder).includes(name);

function distinct(packages: readonly Package[]): Package[] {
  const byId = new Map(packages.map((each) => [`${each.name}@${each.version}`, each]));
  return [...byId].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, each]) => each);
}

/** Returns a field of os-release(5). */
export function osField(text: string, name: string): string | null {
  return new RegExp(`^${name}="?([^"\n]*)"?$`, "m").exec(text)?.[1] ?? null;
}

if (import.meta.main) {
  const file = process.argv[2];
  if (!file) throw new Error("usage: record-packages.ts FILE");
  const fields = ["Package", "Version", "Architecture"].map((name) => `\${${name}}`);
  const format = `${fields.join("\t")}\n`;
  const release = readFileSync("/etc/os-release", "utf8");
  const packages = {
    os: {
      name: osField(release, "PRETTY_NAME"),
      id: osField(release, "ID"),
      version: osField(release, "VERSION_ID"),
    },
    debian: debianPackages(execFileSync("dpkg-query", ["-W", "-f", format], { encoding: "utf8" })),
    npm: distinct([
      ...npmPackages("/usr/local/lib/node_modules"),
      ...npmPackages("/usr/local/lib/os2-tools/node_modules"),
    ]),
  };
  writeFileSync(file, `${JSON.stringify(packages, null, 1)}\n`);
}
