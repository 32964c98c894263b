/** What a party can run: protocols with one output, and around them the care for functions that are not ours. */
import { equalBytes } from "../core/bytes.js";
import type { PartyId } from "../core/party-set.js";
import type { Protocol } from "../core/protocol.js";
import {
  AgreementVariantError,
  type AgreementVariant,
  type BinaryAgreementMessage,
  type BinaryDecision,
  type BinaryInput,
  type Bit,
  MAX_MESSAGE_BYTES,
  type MultivaluedAgreementMessage,
  type MultivaluedDecision,
  binaryAgreement,
  multivaluedAgreement,
  multivaluedAgreementMessageCodec,
  variantProblem,
} from "../protocols/index.js";
import { ProposalError } from "./errors.js";

/** Made by `mvba`, `abba` and `once`. */
export interface Agreement<Input, Message, Decision> {
  /** @throws ProposalError when this party must not propose `input`: the others would not believe that it is honest */
  check(input: Input): void;
  /** The protocol of one instance, with an `input` that was checked. `onThrow` hears what the caller's functions throw there. */
  instance(input: Input, onThrow: (error: unknown) => void): Protocol<Input, Message, Decision>;
}

export interface MvbaOptions extends Partial<AgreementVariant> {
  /**
   * Q: whether `value` may be decided. Pure, and the same at all parties: it may depend on the bytes and on what all parties have
   * in common, must not change them, and what it once took it must always take. What it throws is reported, and counts as false.
   */
  readonly predicate: (value: Uint8Array) => boolean;
  /** Who is first in the orders `fixed` and `adaptive`: any whole number, taken modulo n, such as one that counts instances. 0 unless given. */
  readonly first?: PartyId;
}

/**
 * Multi-valued validated agreement on bytes, of at most 2 MiB: one of the proposals, which satisfies the predicate, is decided. `order` is
 * `random` unless given. All options must be the same at all parties.
 * @throws AgreementVariantError when `parallel` or `first` is out of its bounds
 */
export function mvba({
  predicate,
  order = "random",
  first = 0,
  ...variant
}: MvbaOptions): Agreement<Uint8Array, MultivaluedAgreementMessage, MultivaluedDecision> {
  const problem = Number.isSafeInteger(first) && first >= 0 ? variantProblem({ order, ...variant }) : `first=${first}`;
  if (problem !== undefined) throw new AgreementVariantError(problem);
  return {
    check(value) {
      checkProposal(value, predicate, value);
    },
    instance(own, onThrow) {
      const holds = guarded(predicate, onThrow);
      const protocolOf = (n: number): ReturnType<typeof multivaluedAgreement> =>
        multivaluedAgreement({
          ...variant,
          order,
          first: first % n,
          // What the predicate once took stays taken, whatever it says of it later.
          fault: (value) => (equalBytes(value, own) || holds(value) ? undefined : "invalid-proposal"),
        });
      return { message: multivaluedAgreementMessageCodec, start: (scope) => protocolOf(scope.group.n).start(scope) };
    },
  };
}

export interface AbbaOptions {
  /** R: whether `proof` justifies `value`. As in `mvba`. */
  readonly predicate: (value: Bit, proof: Uint8Array) => boolean;
}

/** Binary validated agreement, biased towards 1: a bit is decided that somebody proposed, with a proof that satisfies the predicate. */
export function abba({ predicate }: AbbaOptions): Agreement<BinaryInput, BinaryAgreementMessage, BinaryDecision> {
  return {
    check({ value, proof }) {
      checkProposal(proof, predicate, value, proof);
    },
    instance(own, onThrow) {
      const holds = guarded(predicate, onThrow);
      return binaryAgreement({
        predicate: (value, proof) => (value === own.value && equalBytes(proof, own.proof)) || holds(value, proof),
      });
    },
  };
}

/**
 * Any other protocol, until its first output. Who has no input, such as a receiver of a broadcast, gives `undefined`. Functions in the
 * protocol's options must not throw.
 */
export function once<Input, Message, Output>(
  protocol: Protocol<Input, Message, Output>,
): Agreement<Input | undefined, Message, Output> {
  return {
    check: () => undefined,
    instance: () => ({
      message: protocol.message,
      start(scope) {
        const instance = protocol.start(scope);
        return {
          input: (value) => {
            if (value !== undefined) instance.input(value);
          },
          receive: (from, message) => instance.receive(from, message),
          ...(instance.orphan && { orphan: (from, path, body) => instance.orphan?.(from, path, body) }),
        };
      },
    }),
  };
}

/** A predicate of the caller's, total. One that is `async` by mistake would otherwise take everything. */
function guarded<Args extends readonly unknown[]>(
  predicate: (...args: Args) => boolean,
  onThrow: (error: unknown) => void,
): (...args: Args) => boolean {
  return (...args) => {
    try {
      return evaluate(predicate, args);
    } catch (error) {
      onThrow(error);
      return false;
    }
  };
}

/** @throws TypeError when the predicate gives no boolean; and whatever it throws */
function evaluate<Args extends readonly unknown[]>(predicate: (...args: Args) => boolean, args: Args): boolean {
  const holds: unknown = predicate(...args);
  if (typeof holds !== "boolean") throw new TypeError(`the predicate returned no boolean: ${typeof holds}`);
  return holds;
}

function checkProposal<Args extends readonly unknown[]>(
  bytes: Uint8Array,
  predicate: (...args: Args) => boolean,
  ...args: Args
): void {
  if (bytes.length > MAX_MESSAGE_BYTES)
    throw new ProposalError(`the proposal has ${bytes.length} bytes, ${MAX_MESSAGE_BYTES} are the most`);
  let holds: boolean;
  try {
    holds = evaluate(predicate, args);
  } catch (cause) {
    throw new ProposalError("the predicate threw on the own proposal", { cause });
  }
  if (!holds) throw new ProposalError("the own proposal does not satisfy the predicate");
}
