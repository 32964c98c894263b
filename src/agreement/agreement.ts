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
  /**
   * A copy of `input`, which is checked: what the caller does with its own later changes nothing.
   * @throws ProposalError when this party must not propose it: the others would not believe that it is honest
   */
  admit(input: Input): Input;
  /** The protocol of one instance, with an `input` as `admit` gave it. `onThrow` hears what the caller's functions throw there. */
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
 * @throws AgreementVariantError when `order` or `delivery` does not exist, or `parallel` or `first` is out of its bounds
 */
export function mvba({
  predicate,
  order = "random",
  first = 0,
  ...variant
}: MvbaOptions): Agreement<Uint8Array, MultivaluedAgreementMessage, MultivaluedDecision> {
  const isNumber = Number.isSafeInteger(first) && first >= 0;
  const problem = isNumber ? variantProblem({ order, ...variant }) : `first=${String(first)} is no whole number`;
  if (problem !== undefined) throw new AgreementVariantError(problem);
  return {
    admit(value) {
      const own = copyOfBytes("proposal", value);
      checkProposal(predicate, own);
      return own;
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
      return {
        message: multivaluedAgreementMessageCodec,
        start: (scope) =>
          protocolOf(scope.group.n).start({ ...scope, output: (decision) => scope.output(copyOfDecision(decision)) }),
      };
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
    admit({ value, proof }) {
      const own = { value: bitOf(value), proof: copyOfBytes("proof", proof) };
      checkProposal(predicate, own.value, own.proof);
      return own;
    },
    instance(own, onThrow) {
      const holds = guarded(predicate, onThrow);
      const protocol = binaryAgreement({
        predicate: (value, proof) => (value === own.value && equalBytes(proof, own.proof)) || holds(value, proof),
      });
      return {
        message: protocol.message,
        start: (scope) =>
          protocol.start({ ...scope, output: (decision) => scope.output(copyOfBinaryDecision(decision)) }),
      };
    },
  };
}

/**
 * Any other protocol, until its first output. Who has no input, such as a receiver of a broadcast, gives `undefined`. Functions in the
 * protocol's options must not throw. Input and output are not copied: what they have in them must not be changed.
 */
export function once<Input, Message, Output>(
  protocol: Protocol<Input, Message, Output>,
): Agreement<Input | undefined, Message, Output> {
  return {
    admit: (input) => input,
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

/** Also of a Buffer, whose `slice` would share its memory. @throws ProposalError unless `given` is bytes, and not too many */
function copyOfBytes(what: string, given: unknown): Uint8Array {
  if (!(given instanceof Uint8Array))
    throw new ProposalError(`the ${what} is no Uint8Array: ${given === null ? "null" : typeof given}`);
  if (given.length > MAX_MESSAGE_BYTES)
    throw new ProposalError(`the ${what} has ${given.length} bytes, ${MAX_MESSAGE_BYTES} are the most`);
  return new Uint8Array(given);
}

function bitOf(given: unknown): Bit {
  if (given !== 0 && given !== 1) throw new ProposalError(`the proposed value is neither 0 nor 1: ${String(given)}`);
  return given;
}

/** What the caller gets: its bytes are no part of a message that this party, or in one process another, still uses. */
function copyOfDecision({ value, proof, ...decision }: MultivaluedDecision): MultivaluedDecision {
  return { ...decision, value: new Uint8Array(value), proof: { tag: proof.tag, body: new Uint8Array(proof.body) } };
}

function copyOfBinaryDecision({ certificate, proof, message, ...decision }: BinaryDecision): BinaryDecision {
  return {
    ...decision,
    certificate: new Uint8Array(certificate),
    proof: new Uint8Array(proof),
    message: new Uint8Array(message),
  };
}

function checkProposal<Args extends readonly unknown[]>(predicate: (...args: Args) => boolean, ...args: Args): void {
  let holds: boolean;
  try {
    holds = evaluate(predicate, args);
  } catch (cause) {
    throw new ProposalError("the predicate threw on the own proposal", { cause });
  }
  if (!holds) throw new ProposalError("the own proposal does not satisfy the predicate");
}
