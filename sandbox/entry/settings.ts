// The environment, read once. Everything after this takes plain values.
import { BAKED_REPOSITORY } from "../lib/paths.ts";
import { type Remote, remoteOf } from "../lib/remote.ts";
import { StepFailed } from "../lib/step.ts";

export interface Settings {
  /** The directory of the repository. */
  readonly repository: string;
  readonly remote?: Remote;
  readonly ref?: string;
  /** The mount point for a working tree of the host. */
  readonly mount: string;
  /** The repository's services, relative to it; by default, a few directories are tried. */
  readonly services?: string;
}

type Environment = Readonly<Record<string, string | undefined>>;

export function readSettings(env: Environment): Settings {
  const value = (name: string) => env[name]?.trim() || undefined;
  const remote = remoteOf(env);
  const ref = value("ITERATE_GIT_REF");
  const services = value("ITERATE_SERVICES_DIR");
  if (ref && !isRef(ref)) fail(`ITERATE_GIT_REF is not a branch, tag or commit: ${ref}`);
  if (remote?.url.startsWith("-")) fail("ITERATE_REPO_URL is not an address");
  checkPort(value("ITERATE_SERVER_PORT"));
  return {
    // Unchanged: bin/start-machine and the services read it themselves.
    repository: absolute("ITERATE_REPO_DIR", env["ITERATE_REPO_DIR"] || BAKED_REPOSITORY),
    mount: absolute("ITERATE_REPO_MOUNT", value("ITERATE_REPO_MOUNT") ?? "/mnt/repo"),
    ...(remote && { remote }),
    ...(ref && { ref }),
    ...(services && { services }),
  };
}

/** Stricter than git: a name must not be parsed as an option or an expression. */
export function isRef(text: string): boolean {
  return (
    /^[^\s~^:?*[\\@-][^\s~^:?*[\\]*$/.test(text) && !text.includes("..") && !text.includes("@{")
  );
}

function checkPort(text: string | undefined): void {
  const port = Number(text ?? 3000);
  if (!Number.isInteger(port) || port < 1 || port > 65535) {
    fail(`ITERATE_SERVER_PORT is not a port: ${text}`);
  }
}

function absolute(name: string, path: string): string {
  if (!path.startsWith("/")) fail(`${name} is not an absolute path: ${path}`);
  return path.replace(/(?<=.)\/+$/, "");
}

function fail(reason: string): never {
  throw new StepFailed("settings", reason);
}
