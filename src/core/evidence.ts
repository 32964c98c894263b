/**
 * Evidence: two statements that one party signed and that no honest party signs both. Unlike an accusation, which is one
 * replica's word, anybody who has the cluster's public keys can check it (protocols/evidence.ts).
 */
import { type Codec, type Value, atMost, bytes, refine, struct, text, u8 } from "./codec.js";
import { MAX_BODY_BYTES } from "./envelope.js";
import { MAX_PARTIES } from "./party-set.js";
import { MAX_SIGNATURE_BYTES } from "./suite.js";
import { tagCodec } from "./tag.js";

/** What is signed: an ordinary signature, or a share towards a certificate of a quorum or of a broadcast quorum. */
export const ENDORSEMENTS = ["signature", "quorum", "broadcast"] as const;
export type Endorsement = (typeof ENDORSEMENTS)[number];

const signedBody = struct({ body: bytes(MAX_BODY_BYTES), signature: bytes(MAX_SIGNATURE_BYTES) });

/** What was signed besides the tag and the purpose, and the signature or share. */
export type SignedBody = Value<typeof signedBody>;

const endorsement: Codec<Endorsement> = refine(text(16) as Codec<Endorsement>, (value) =>
  ENDORSEMENTS.includes(value) ? undefined : "not a kind of endorsement",
);

export const evidenceCodec = struct({
  party: atMost(u8, MAX_PARTIES - 1),
  as: endorsement,
  tag: tagCodec,
  purpose: text(32),
  first: signedBody,
  second: signedBody,
});

export type Evidence = Value<typeof evidenceCodec>;
