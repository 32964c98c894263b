/**
 * Checkpoint: a certificate on the digest of the state that all honest parties have after one round.
 *
 * Source: Castro and Liskov, Practical Byzantine Fault Tolerance, OSDI 1999, section 4.3; docs/protocols.md section 4.
 *
 * Properties, if the honest parties that give a digest give the same one:
 *   validity     a certificate is on that digest;
 *   termination  if the honest parties of a quorum give it, and nobody gives up before, all of them output a certificate;
 *   detection    whoever gives another digest than the honest ones finds out, or is accused by all that are told.
 *
 * Messages:
 *   share(digest, σ)   all → all   at the start; σ on (tag, "checkpoint", digest)
 *   output                         shares of `isQuorum` on the own digest: the certificate made of them
 *
 * Deviations: a quorum, where the source has enough to have one honest party vouch for it: it is then in no doubt that enough
 * parties have the state to hand it out once older rounds are dropped. Verified shares of `hasHonest` on one other digest stop the
 * party: an honest party's state is not its own.
 *
 * Limits: one share of each party is kept. Who is far behind may never see a certificate of an older checkpoint.
 */
import { equalBytes, toHex } from "../../core/bytes.js";
import { type Value, bytes, fixedBytes, struct } from "../../core/codec.js";
import { statement } from "../../core/engine.js";
import { type PartyId, PartySet } from "../../core/party-set.js";
import { type Instance, InvariantError, type Protocol, type Scope } from "../../core/protocol.js";
import { MAX_SIGNATURE_BYTES } from "../../core/suite.js";
import { Tally } from "../../core/tally.js";
import type { Tag } from "../../core/tag.js";

export const CHECKPOINT = "checkpoint";

export const checkpointMessageCodec = struct({ digest: fixedBytes(32), share: bytes(MAX_SIGNATURE_BYTES) });
type CheckpointMessage = Value<typeof checkpointMessageCodec>;

/** The bytes that a certificate of the checkpoint after `round` is on. */
export function checkpointStatement(cluster: Uint8Array, channel: Tag, round: number, digest: Uint8Array): Uint8Array {
  return statement(cluster, `${channel}/checkpoint/${round}`, CHECKPOINT, digest);
}

/** Takes no input: the digest is there when it starts. Output: the certificate. */
export function checkpoint(options: { readonly digest: Uint8Array }): Protocol<never, CheckpointMessage, Uint8Array> {
  return { message: checkpointMessageCodec, start: (scope) => new Checkpoint(scope, options.digest) };
}

class Checkpoint implements Instance<never, CheckpointMessage> {
  readonly #scope: Scope<CheckpointMessage, Uint8Array>;
  readonly #digest: Uint8Array;
  /** The digest of which each party has a verified share, and that share. */
  readonly #told = new Map<PartyId, CheckpointMessage>();
  readonly #shares: Tally<Uint8Array>;
  /** Who has shares on another digest, by the digest. */
  readonly #divergent = new Map<string, PartySet>();

  constructor(scope: Scope<CheckpointMessage, Uint8Array>, digest: Uint8Array) {
    this.#scope = scope;
    this.#digest = digest;
    this.#shares = new Tally((set) => scope.group.isQuorum(set));
    const share = scope.endorse("quorum", CHECKPOINT, CHECKPOINT, digest);
    scope.broadcast({ digest, share });
  }

  input(): void {
    throw new InvariantError("a checkpoint takes no input");
  }

  receive(from: PartyId, { digest, share }: CheckpointMessage): void {
    const told = this.#told.get(from);
    if (told !== undefined) {
      if (!equalBytes(told.digest, digest)) this.#onSecond(from, told, { digest, share });
      return;
    }
    const { quorumCertifier } = this.#scope.suite;
    const statementOf = this.#scope.statement(CHECKPOINT, digest);
    if (!quorumCertifier.verifyShare(from, statementOf, share)) return this.#scope.accuse(from, "invalid-share");
    this.#told.set(from, { digest, share });
    if (!equalBytes(digest, this.#digest)) return this.#onDivergent(from, digest);
    if (this.#shares.add(from, share)) this.#scope.output(quorumCertifier.combine(statementOf, this.#shares.items));
  }

  /** Nobody else need believe it unless both are signed. */
  #onSecond(from: PartyId, told: CheckpointMessage, { digest, share }: CheckpointMessage): void {
    this.#scope.accuse(from, "equivocation");
    if (!this.#scope.suite.quorumCertifier.verifyShare(from, this.#scope.statement(CHECKPOINT, digest), share)) return;
    const first = { body: told.digest, signature: told.share };
    this.#scope.evidence(from, CHECKPOINT, {
      as: "quorum",
      purpose: CHECKPOINT,
      first,
      second: { body: digest, signature: share },
    });
  }

  #onDivergent(from: PartyId, digest: Uint8Array): void {
    const parties = this.#divergent.get(toHex(digest)) ?? new PartySet();
    this.#divergent.set(toHex(digest), parties);
    parties.add(from);
    if (this.#scope.group.hasHonest(parties))
      throw new InvariantError(`the state at ${this.#scope.tag} is another than that of honest parties`);
    this.#scope.accuse(from, "divergent-checkpoint");
  }
}
