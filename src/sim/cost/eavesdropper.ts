/** What an adversary reads in flight, of the multi-valued agreement under one tag. */
import { decode } from "../../core/codec.js";
import type { PartyId } from "../../core/party-set.js";
import type { Tag } from "../../core/tag.js";
import { binaryAgreementMessageCodec } from "../../protocols/binary-agreement/index.js";
import { consistentBroadcastMessageCodec } from "../../protocols/consistent-broadcast/index.js";
import { multivaluedAgreementMessageCodec } from "../../protocols/multivalued-agreement/index.js";
import type { Flight } from "../network.js";

/** What a message is about: the proposal of a candidate, the binary agreement on it, votes and coins, or something else. */
type Subject =
  | { readonly kind: "proposal" | "aba/1"; readonly candidate: PartyId }
  | { readonly kind: "votes" }
  | { readonly kind: "other" };

export class Eavesdropper {
  readonly #agreement: Tag;
  readonly #below: RegExp;
  readonly #subjects = new Map<Tag, Subject>();

  /** @param agreement the tag of the agreement */
  constructor(agreement: Tag) {
    this.#agreement = agreement;
    this.#below = new RegExp(`^${agreement}/(proposal|aba/1)/([0-9]+)$`);
  }

  subject(tag: Tag): Subject {
    let subject = this.#subjects.get(tag);
    if (subject === undefined) this.#subjects.set(tag, (subject = this.#parse(tag)));
    return subject;
  }

  #parse(tag: Tag): Subject {
    if (tag === this.#agreement) return { kind: "votes" };
    const [, kind, candidate] = this.#below.exec(tag) ?? [];
    return kind === "proposal" || kind === "aba/1" ? { kind, candidate: Number(candidate) } : { kind: "other" };
  }

  /** Whether the message gives its receiver the proposal of a candidate that `matters`: its certificate, a yes to it, an input of 1. */
  reveals({ envelope: { tag, body } }: Flight, matters: (candidate: PartyId) => boolean): boolean {
    const subject = this.subject(tag);
    if (subject.kind === "votes") {
      const vote = decode(multivaluedAgreementMessageCodec, body);
      return vote.ok && vote.value.kind === "yes" && matters(vote.value.candidate);
    }
    if (subject.kind === "other" || !matters(subject.candidate)) return false;
    return subject.kind === "proposal" ? isFinal(body) : isInputOfOne(body);
  }

  isCoinShare({ envelope: { tag, body } }: Flight): boolean {
    if (this.subject(tag).kind !== "votes") return false;
    const message = decode(multivaluedAgreementMessageCodec, body);
    return message.ok && message.value.kind === "coin";
  }
}

function isFinal(body: Uint8Array): boolean {
  const message = decode(consistentBroadcastMessageCodec, body);
  return message.ok && message.value.kind === "final";
}

function isInputOfOne(body: Uint8Array): boolean {
  const message = decode(binaryAgreementMessageCodec, body);
  return message.ok && message.value.kind === "preVote" && message.value.vote.value === 1;
}
