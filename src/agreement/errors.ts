/** What a caller of `Party` can do wrong, or be told. */

/** A tag that is no path, was used before, or is above or below one that was. */
export class TagError extends Error {
  override readonly name = "TagError";
}

/** A proposal that this party itself must refuse: nothing was said. `cause` is what the predicate threw, if it did. */
export class ProposalError extends Error {
  override readonly name = "ProposalError";
}

/** The instance, or the party, was closed before it decided. */
export class ClosedError extends Error {
  override readonly name = "ClosedError";
}
