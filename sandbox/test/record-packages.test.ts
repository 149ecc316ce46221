// What the build records about the image's packages.
import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { debianPackages, npmPackages, osField } from "../record-packages.ts";

const root = mkdtempSync(join(tmpdir(), "packages-"));
after(() => rmSync(root, { recursive: true }));

function install(path: string, name: string, version: string): void {
  mkdirSync(join(root, path), { recursive: true });
  writeFileSync(join(root, path, "package.json"), JSON.stringify({ name, version }));
}

test("npm's packages are found wherever they are, once each", () => {
  install("a", "a", "1.0.0");
  install("@scope/b", "@scope/b", "2.0.0");
  install("a/node_modules/c", "c", "3.0.0");
  install("@scope/b/node_modules/c", "c", "3.0.0");
  install("@scope/b/node_modules/@scope/d", "@scope/d", "4.0.0");
  mkdirSync(join(root, "empty"));
  writeFileSync(join(root, "a file"), "");

  assert.deepEqual(npmPackages(root), [
    { name: "@scope/b", version: "2.0.0" },
    { name: "@scope/d", version: "4.0.0" },
    { name: "a", version: "1.0.0" },
    { name: "c", version: "3.0.0" },
  ]);
  assert.deepEqual(npmPackages(join(root, "missing")), []);
});

test("Debian's packages are read from dpkg-query", () => {
  assert.deepEqual(debianPackages("bash\t5.2.15-2+b13\tamd64\nadduser\t3.134\tall\n"), [
    { name: "bash", version: "5.2.15-2+b13", architecture: "amd64" },
    { name: "adduser", version: "3.134", architecture: "all" },
  ]);
  assert.deepEqual(debianPackages(""), []);
});

test("the distribution is read from os-release", () => {
  const text = 'PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\nVERSION_ID="12"\nID=debian\n';
  assert.equal(osField(text, "PRETTY_NAME"), "Debian GNU/Linux 12 (bookworm)");
  assert.equal(osField(text, "ID"), "debian");
  assert.equal(osField(text, "CODENAME"), null);
});
