/**
 * What commands print.
 *
 * For people: results on stdout, progress and errors on stderr. With `--json`: stdout carries nothing but the
 * result, one JSON value on one line (`log`: one per entry), no progress is shown, and an error is one
 * line `{"error": {"code", "message", "file"?, "field"?, "option"?}}` on stderr, with stdout empty. A verdict
 * "invalid" is a result, not an error: it stands on stdout, with exit code 1.
 */
import type { Failure } from "./errors.js";

export interface Output {
  readonly json: boolean;
  /** The result: `value` with --json, `text` for people. A line feed is added. */
  result(value: unknown, text: string): void;
  /** A remark for people on stderr; silent with --json. A line feed is added. */
  note(text: string): void;
  /** A live line for people, when stderr is a terminal and --json is off; otherwise undefined. */
  readonly live: LiveLine | undefined;
}

export interface LiveLine {
  /** Replaces the line. */
  show(text: string): void;
  /** Removes the line, so that what follows starts at the margin. */
  clear(): void;
}

export function createOutput({ json = false }: { readonly json?: boolean | undefined }): Output {
  return {
    json,
    result(value, text) {
      process.stdout.write(`${json ? JSON.stringify(value) : text}\n`);
    },
    note(text) {
      if (!json) process.stderr.write(`${text}\n`);
    },
    live: !json && process.stderr.isTTY ? liveLine(process.stderr) : undefined,
  };
}

function liveLine(stream: NodeJS.WriteStream): LiveLine {
  return {
    show(text) {
      // Cut to the width: a wrapped line could not be replaced.
      stream.write(`\r\x1b[2K${text.slice(0, Math.max(20, stream.columns - 1))}`);
    },
    clear() {
      stream.write("\r\x1b[2K");
    },
  };
}

/** Prints why a command failed; `hint` is where to read more. */
export function printFailure(failure: Failure, json: boolean, hint?: string): void {
  if (json) {
    const { exitCode: _, ...error } = failure;
    process.stderr.write(`${JSON.stringify({ error })}\n`);
    return;
  }
  process.stderr.write(`abcast: ${failure.message}\n`);
  if (hint !== undefined) process.stderr.write(`${hint}\n`);
}
