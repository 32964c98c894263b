/** Passphrases of secret files: from a file, or typed at the terminal. Never from the command line, which others can see. */
import { readFileSync, statSync } from "node:fs";
import { createInterface } from "node:readline";
import { Writable } from "node:stream";
import { Option } from "commander";
import type { PassphraseSource } from "../replica/config-files.js";
import { InputError, systemProblem } from "../replica/input-error.js";

/** Names the file that has the passphrase of the secret files that a command reads. */
export const PASSPHRASE_VARIABLE = "ABCAST_PASSPHRASE_FILE";
const MAX_PASSPHRASE_BYTES = 4096;

/** For commands that write secret files. */
export function passphraseOption(what: string): Option {
  return new Option("--passphrase-file <FILE>", `put ${what} under the passphrase that is the first line of FILE`);
}

/** For commands that read secret files: the file that the environment names, else whoever sits at the terminal. */
export const passphrase: PassphraseSource = async (path) => {
  const file = process.env[PASSPHRASE_VARIABLE];
  if (file !== undefined && file !== "") return readPassphrase(file, { option: PASSPHRASE_VARIABLE, file });
  return process.stdin.isTTY && process.stderr.isTTY ? ask(`Passphrase of ${path}: `) : undefined;
};

/** What the option `--passphrase-file` says, if it is there. */
export function passphraseOf({ passphraseFile }: { readonly passphraseFile?: string }): string | undefined {
  if (passphraseFile === undefined) return undefined;
  return readPassphrase(passphraseFile, { option: "--passphrase-file", file: passphraseFile });
}

function readPassphrase(file: string, place: { readonly option: string; readonly file: string }): string {
  const [line = ""] = read(file, place).split(/\r?\n/, 1);
  if (line === "") throw new InputError(place, "has no passphrase in its first line");
  return line;
}

function read(file: string, place: { readonly option: string; readonly file: string }): string {
  try {
    const { size, mode } = statSync(file);
    if (size > MAX_PASSPHRASE_BYTES) throw new InputError(place, `is larger than ${MAX_PASSPHRASE_BYTES} bytes`);
    if (process.platform !== "win32" && (mode & 0o077) !== 0)
      throw new InputError(
        place,
        `holds a passphrase but others may access it (mode ${(mode & 0o777).toString(8)}); run: chmod 600`,
      );
    return readFileSync(file, "utf8");
  } catch (error) {
    const problem = systemProblem(error);
    throw problem === undefined ? error : new InputError(place, problem);
  }
}

/** Reads a line without showing it. */
async function ask(question: string): Promise<string> {
  process.stderr.write(question);
  const silent = new Writable({ write: (_chunk, _encoding, done) => done() });
  const lines = createInterface({ input: process.stdin, output: silent, terminal: true });
  try {
    return await new Promise<string>((resolve, reject) => {
      lines.once("line", resolve);
      lines.once("close", () => reject(new InputError({ option: PASSPHRASE_VARIABLE }, "no passphrase was given")));
    });
  } finally {
    lines.close();
    process.stderr.write("\n");
  }
}
