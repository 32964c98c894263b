/** The operator's mistake: a file, a field of it, or a command-line option that cannot be used. */

export interface InputPlace {
  /** Path of the file as the caller gave it. */
  readonly file?: string;
  /** Path of the field within the file, like `parties[2].port`. */
  readonly field?: string;
  /** A command-line option, like `--n`. */
  readonly option?: string;
}

/** Its message names the place and says what to do; it is shown to people without a stack trace. */
export class InputError extends Error {
  override readonly name = "InputError";
  readonly place: InputPlace;

  /** `problem` says what is wrong, and what to do unless that is obvious. */
  constructor(place: InputPlace, problem: string) {
    const named = [place.option, place.file, place.field].filter((part) => part !== undefined && part !== "");
    super([...named, problem].join(": "));
    this.place = place;
  }
}

const PROBLEMS: ReadonlyMap<string, string> = new Map([
  ["ENOENT", "no such file or directory"],
  ["EACCES", "permission denied"],
  ["EPERM", "not permitted"],
  ["EISDIR", "is a directory, a file is needed"],
  ["ENOTDIR", "a part of the path is not a directory"],
  ["EEXIST", "exists already"],
  ["ENOTEMPTY", "is not empty"],
  ["ENOSPC", "no space left on the device"],
  ["EROFS", "the file system is read-only"],
  ["ELOOP", "too many symbolic links"],
  ["ENAMETOOLONG", "the name is too long"],
  ["EMFILE", "too many open files"],
  ["EADDRINUSE", "the port is in use"],
  ["EADDRNOTAVAIL", "this machine has no such address"],
  ["ENOTFOUND", "the host name is not known"],
  ["EAI_AGAIN", "the host name cannot be looked up now"],
  ["EAGAIN", "the system has no room for another process"],
  ["ENOMEM", "the system is out of memory"],
]);

/** What the operating system refused, in words; undefined when `error` is not from there. */
export function systemProblem(error: unknown): string | undefined {
  if (!(error instanceof Error) || !("code" in error) || !("syscall" in error)) return undefined;
  const code = String(error.code);
  return PROBLEMS.get(code) ?? `the operating system refused "${String(error.syscall)}" (${code})`;
}

/** Like `promise`, but a refusal of the operating system becomes an InputError that names `file`. */
export async function naming<T>(file: string, promise: Promise<T>): Promise<T> {
  try {
    return await promise;
  } catch (error) {
    const problem = systemProblem(error);
    throw problem === undefined ? error : new InputError({ file }, problem);
  }
}
