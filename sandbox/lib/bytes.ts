// Names of files as git and the kernel have them: bytes, which need not be UTF-8. Text here has one character
// for each byte, so that names can be compared, sorted and kept as JSON, and none is lost.

/** A path relative to a directory, one character for each byte. */
export type ByteName = string;

export function byteName(name: string): ByteName {
  return Buffer.from(name, "utf8").toString("latin1");
}

/** The absolute path of a name, for the functions of `node:fs`. */
export function pathOf(folder: string, name: ByteName): Buffer {
  return Buffer.concat([Buffer.from(`${folder}/`), Buffer.from(name, "latin1")]);
}

/** The name as text, for a message. */
export function shown(name: ByteName): string {
  return Buffer.from(name, "latin1").toString("utf8");
}

export function parentOf(name: ByteName): ByteName {
  return name.slice(0, Math.max(name.lastIndexOf("/"), 0));
}
