/** What a caller of `Party` can do wrong, or be told. */

/** A tag that is no path, is too long, was used before, or is above or below one that was. */
export class TagError extends Error {
  override readonly name = "TagError";
}

/** A proposal that is not what the agreement takes, or that this party itself must refuse: nothing was said. `cause` is what the predicate threw, if it did. */
export class ProposalError extends Error {
  override readonly name = "ProposalError";
}

/** Links that a party has opened before: each party needs its own. */
export class LinksError extends Error {
  override readonly name = "LinksError";
}

/** A suite with another party's keys: nobody would believe what this party signs. */
export class SuiteError extends Error {
  override readonly name = "SuiteError";
}

/** The instance, or the party, was closed before it decided. */
export class ClosedError extends Error {
  override readonly name = "ClosedError";
}
