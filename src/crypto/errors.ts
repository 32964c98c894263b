/** A key that does not fit its scheme, its group or its public counterpart: the caller's mistake. */
export class KeyError extends Error {
  override readonly name = "KeyError";
}

/** `combine` was called with shares that cannot be combined: the caller did not verify or count them. */
export class CombineError extends Error {
  override readonly name = "CombineError";
}
