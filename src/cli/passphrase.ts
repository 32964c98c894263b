/** Passphrases of secret files: from a file, or typed at the terminal. Never from the command line, which others can see. */
import { createInterface } from "node:readline";
import { Writable } from "node:stream";
import { Option } from "commander";
import { type PassphraseSource, readText, shellWord } from "../replica/config-files.js";
import { InputError } from "../replica/input-error.js";

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
  if (file !== undefined && file !== "") return readPassphrase(file, PASSPHRASE_VARIABLE);
  return process.stdin.isTTY && process.stderr.isTTY ? ask(`Passphrase of ${path}: `) : undefined;
};

/** What the option `--passphrase-file` says, if it is there. */
export async function passphraseOf({
  passphraseFile,
}: {
  readonly passphraseFile?: string;
}): Promise<string | undefined> {
  return passphraseFile === undefined ? undefined : readPassphrase(passphraseFile, "--passphrase-file");
}

async function readPassphrase(file: string, option: string): Promise<string> {
  const place = { option, file };
  const { text, mode } = await readText(file, MAX_PASSPHRASE_BYTES);
  if (process.platform !== "win32" && (mode & 0o077) !== 0) {
    const octal = (mode & 0o777).toString(8);
    throw new InputError(
      place,
      `holds a passphrase but others may access it (mode ${octal}); run: chmod 600 ${shellWord(file)}`,
    );
  }
  const [line = ""] = text.split(/\r?\n/, 1);
  if (line === "") throw new InputError(place, "has no passphrase in its first line");
  return line;
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
