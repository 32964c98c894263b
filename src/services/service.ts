/**
 * A replicated state machine, as the atomic broadcast sees it. Every replica runs the same service on
 * the same payloads in the same order and so stays in the same state.
 *
 * A service is sans-I/O: it MUST NOT read a clock, a random source, a file or the network, and MUST NOT
 * keep promises or timers. Whatever it needs from outside comes in the payload or in the context.
 */

/** Where a payload stands in the total order; the same at every replica. */
export interface ApplyContext {
  /** The payload's number in the service's log. Grows by one per payload, never repeats. */
  readonly sequence: number;
  /** The agreement round that delivered it. Never shrinks. */
  readonly round: number;
}

export interface Service<Reply> {
  /**
   * Whether `payload` may be ordered at all: the external validity predicate of the broadcast. Called on
   * hostile bytes, on every replica, any number of times, in any order.
   *
   * MUST be pure and independent of the service's state: replicas ask at different times, and a payload
   * that was valid when it was proposed is valid for ever. MUST NOT throw. MUST NOT modify `payload`.
   */
  validate(payload: Uint8Array): boolean;

  /**
   * Executes one ordered payload. Called once per payload, in the total order, only with payloads that
   * `validate` accepts.
   *
   * MUST be deterministic. MUST NOT throw on such a payload: an exception means that a replica broke its
   * own invariant, and stops it. MUST NOT keep a reference to `payload` or into it: the bytes belong to a
   * buffer that is reused. A refused operation is a reply, not an exception.
   */
  apply(context: ApplyContext, payload: Uint8Array): Reply;
}
