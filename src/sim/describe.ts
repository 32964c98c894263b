/** What a message says, in a few words, for pictures and lists. */
import { decode } from "../core/codec.js";
import type { Envelope } from "../core/envelope.js";
import { cutEntryCodec, laneMessageCodec } from "../protocols/atomic-broadcast/certified/messages.js";
import { queueEntryCodec } from "../protocols/atomic-broadcast/messages.js";
import {
  ABSTAIN,
  type BinaryAgreementMessage,
  binaryAgreementMessageCodec,
} from "../protocols/binary-agreement/index.js";
import { consistentBroadcastMessageCodec } from "../protocols/consistent-broadcast/index.js";
import { multivaluedAgreementMessageCodec } from "../protocols/multivalued-agreement/index.js";
import type { FlightBody } from "./flight.js";

/** Which part of the protocol a message belongs to. */
export type MessageClass = "queue" | "broadcast" | "vote" | "binary" | "control" | "garbage";

export interface MessageDescription {
  readonly class: MessageClass;
  readonly text: string;
}

export function describeFlight(body: FlightBody): MessageDescription {
  if (body.kind === "askProofs") return { class: "control", text: `asks for the proof of round ${body.round}` };
  if (body.kind === "askBatch" || body.kind === "batch") {
    const { lane, height } = body.name;
    const text = `${body.kind === "batch" ? "brings" : "asks for"} batch ${height} of lane ${lane}`;
    return { class: "control", text };
  }
  if (body.kind === "askRepeat") return { class: "control", text: "asks to say it all again" };
  const { text, ...rest } = describeEnvelope(body.envelope);
  return body.kind === "proof" ? { class: "control", text: `proof: ${text}` } : { ...rest, text };
}

function describeEnvelope({ tag, body }: Envelope): MessageDescription {
  const garbage = { class: "garbage", text: `${body.length} bytes that are no message of ${tag}` } as const;
  const [, lane, height] = /^[a-z-]+\/lane\/(\d+)\/(\d+)$/.exec(tag) ?? [];
  if (lane !== undefined) {
    const message = decode(laneMessageCodec, body);
    const text = message.ok ? `${message.value.kind} of batch ${height} of lane ${lane}` : "";
    return message.ok ? { class: "broadcast", text } : garbage;
  }
  const round = /^[a-z-]+\/(\d+)/.exec(tag)?.[1] ?? "?";
  const party = tag.slice(tag.lastIndexOf("/") + 1);
  const inRound = (text: string): string => `round ${round}: ${text}`;
  if (/^[a-z-]+\/\d+$/.test(tag)) {
    const entry = decode(queueEntryCodec, body);
    if (entry.ok) return { class: "queue", text: inRound(`queue of ${entry.value.payloads.length}`) };
    const heights = decode(cutEntryCodec, body);
    return heights.ok ? { class: "queue", text: inRound(`heights ${heights.value.heights.join(" ")}`) } : garbage;
  }
  if (tag.includes("/aba/")) {
    const message = decode(binaryAgreementMessageCodec, body);
    return message.ok ? { class: "binary", text: inRound(describeBinary(message.value)) } : garbage;
  }
  if (/\/(proposal|commit)\/\d+$/.test(tag)) {
    const message = decode(consistentBroadcastMessageCodec, body);
    const what = tag.includes("/proposal/") ? "proposal" : "commit";
    return message.ok ? { class: "broadcast", text: inRound(`${message.value.kind} of ${what} ${party}`) } : garbage;
  }
  const message = decode(multivaluedAgreementMessageCodec, body);
  if (!message.ok) return garbage;
  const { kind } = message.value;
  const about = "candidate" in message.value ? ` for candidate ${message.value.candidate}` : "";
  return { class: "vote", text: inRound(`${kind}${about}`) };
}

function describeBinary(message: BinaryAgreementMessage): string {
  if (message.kind === "preVote") return `pre-vote ${message.vote.value} in ${message.round}`;
  if (message.kind === "mainVote") {
    return `main-vote ${message.value === ABSTAIN ? "abstain" : message.value} in ${message.round}`;
  }
  return message.kind === "coin" ? `coin share of ${message.round}` : `decision ${message.value}`;
}
