import {
  chmodSync,
  chownSync,
  lstatSync,
  readFileSync,
  readdirSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { replaceFile } from "../../src/cli/replace-file.js";
import { InputError } from "../../src/replica/input-error.js";
import { temporaryDirectory } from "./run-cli.js";

it("a file keeps its mode whatever the umask, a link leads to where it did, and nothing else is left", () => {
  const directory = temporaryDirectory();
  const file = join(directory, "file");
  writeFileSync(file, "before");
  chmodSync(file, 0o664);
  symlinkSync("file", join(directory, "link"));
  const umask = process.umask(0o077);
  try {
    replaceFile(join(directory, "link"), "after");
  } finally {
    process.umask(umask);
  }
  expect(readFileSync(file, "utf8")).toBe("after");
  expect(statSync(file).mode & 0o777).toBe(0o664);
  expect(lstatSync(join(directory, "link")).isSymbolicLink()).toBe(true);
  expect(readdirSync(directory).toSorted()).toEqual(["file", "link"]);
});

it.runIf(process.getuid?.() === 0)("a file that root replaces stays its owner's", () => {
  const file = join(temporaryDirectory(), "file");
  writeFileSync(file, "before");
  chownSync(file, 4711, 4712);
  replaceFile(file, "after");
  const { uid, gid } = statSync(file);
  expect([readFileSync(file, "utf8"), uid, gid]).toEqual(["after", 4711, 4712]);
});

it("what cannot be replaced stays, and is named", () => {
  const directory = join(temporaryDirectory(), "directory");
  writeFileSync(directory, "no directory");
  expect(() => replaceFile(join(directory, "file"), "after")).toThrow(InputError);
  expect(readFileSync(directory, "utf8")).toBe("no directory");
});
