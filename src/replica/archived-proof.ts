import { decode } from "../core/codec.js";
import { type Envelope, envelopeCodec } from "../core/envelope.js";
import { InvariantError } from "../core/protocol.js";
import type { Tag } from "../core/tag.js";
import type { Storage } from "./storage.js";

/**
 * The proof of a decided round that is kept.
 * @throws InvariantError when the archive lacks it
 */
export function archivedProof(storage: Pick<Storage, "proof">, channel: Tag, round: number): Envelope {
  const bytes = storage.proof(channel, round);
  if (bytes === undefined) throw new InvariantError(`no proof of round ${round} of ${channel} in the archive`);
  const envelope = decode(envelopeCodec, bytes);
  if (!envelope.ok) throw new InvariantError(`the proof of round ${round} of ${channel} is damaged: ${envelope.error}`);
  return envelope.value;
}
