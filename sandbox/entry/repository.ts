// Step `repository`: where the machine's files come from.
import { readdir } from "node:fs/promises";
import { checkOut } from "./checkout.ts";
import { syncMount } from "./mount.ts";
import type { Settings } from "./settings.ts";

export async function updateRepository({
  remote,
  ref,
  repository,
  mount,
}: Settings): Promise<string> {
  if (remote) return await checkOut(remote, ref, repository);
  if (await hasFiles(mount)) return await syncMount(mount, repository);
  return (await hasFiles(repository)) ? `the one in ${repository}` : "none";
}

async function hasFiles(folder: string): Promise<boolean> {
  try {
    return (await readdir(folder)).length > 0;
  } catch (error) {
    // A mount that exists but cannot be read was meant to be used.
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return false;
    throw error;
  }
}
