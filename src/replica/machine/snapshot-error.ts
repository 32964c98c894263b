/** Bytes that are no snapshot, or one that breaks a rule of what it is of. */
export class SnapshotError extends Error {
  override readonly name = "SnapshotError";
}
