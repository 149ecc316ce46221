// Build step: record the version of every tool of the image in a file.
import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";

const TOOLS = ["node", "npm", "pnpm", "tsx", "git", "gh", "claude", "opencode", "tmux", "rg"];

/** Returns the first part of a program's output that looks like a version. */
function versionOf(tool: string): string {
  const flag = tool === "tmux" ? "-V" : "--version";
  const answer = execFileSync(tool, [flag], { encoding: "utf8", timeout: 60_000 });
  const version = /\d+(?:\.\d+)+[a-z]?/.exec(answer)?.[0];
  if (!version) throw new Error(`${tool} ${flag} names no version: ${answer.slice(0, 200)}`);
  return version;
}

const file = process.argv[2];
if (!file) throw new Error("usage: record-tools.ts FILE");
const tools = TOOLS.map((name) => ({ name, version: versionOf(name) }));
writeFileSync(file, `${JSON.stringify(tools, null, 2)}\n`);
