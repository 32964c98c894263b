/** What goes wrong with durable storage. */

/** A store that is missing, damaged, full, or not one that this version can read. The message says what, where, and what to do. */
export class StorageError extends Error {
  override readonly name = "StorageError";
}

/** What is in the store is not what was written there. */
export class DamageError extends StorageError {}

const MISSING_PARTY =
  "A party that lost its store counts as corrupted and must not speak with an empty one, nor with an older copy: bring back this very directory, or come back with a fresh one, silent until the others let it speak again: abcast rejoin DIR";

export function missing(directory: string, what: string): StorageError {
  return new StorageError(`${directory}: ${what}. ${MISSING_PARTY}`);
}

/** Damage that no crash explains: whoever went on would contradict what this party said. */
export function damaged(place: string, what: string): DamageError {
  return new DamageError(
    `${place}: ${what}: the store is damaged. Do not start the party with it: see what abcast fsck says, and come back with a fresh store: move this one away and run abcast rejoin DIR`,
  );
}

/** @throws as `failed` what `promise`, an operation on `path`, rejects with */
export async function attempt<T>(path: string, operation: string, promise: Promise<T>): Promise<T> {
  try {
    return await promise;
  } catch (error) {
    throw failed(path, operation, error);
  }
}

/** `error` of an operation on `path`, such as ENOSPC or EIO. */
export function failed(path: string, operation: string, error: unknown): StorageError {
  if (error instanceof StorageError) return error;
  const reason = error instanceof Error ? error.message : String(error);
  return new StorageError(`${path}: ${operation} failed: ${reason}`, { cause: error });
}
