/**
 * What of the things that wait the engine is to take. Dropping before the append is always allowed; what was appended is always
 * processed.
 */
import type { Input } from "../core/engine.js";
import type { Envelope } from "../core/envelope.js";
import type { Fault } from "../core/fault.js";
import type { PartyId } from "../core/party-set.js";
import type { Tag } from "../core/tag.js";
import type { StateItem } from "../wire/peer-frames.js";
import type { LinkFault } from "./accusations.js";
import type { Mesh } from "./mesh.js";
import type { Outlet } from "./outlet.js";
import { PeerQuota } from "./peer-quota.js";
import type { Pending } from "./pending.js";
import type { Pleas } from "./pleas.js";
import type { Transfer } from "./transfer.js";

type BatchItem = Extract<StateItem, { readonly kind: "batch" }>;

export interface IntakeOptions {
  readonly channel: Tag;
  readonly peerQuotaBytes: number;
  readonly mesh: Mesh;
  readonly outlet: Outlet;
  readonly transfer: Transfer;
  readonly pleas: Pleas;
  /** The earliest round in which messages are still answered. */
  readonly servedFrom: () => number;
  readonly onFault: (party: PartyId, fault: Fault | LinkFault, tag: Tag) => void;
}

export class Intake {
  readonly #options: IntakeOptions;
  readonly #quota: PeerQuota;

  constructor(options: IntakeOptions) {
    this.#options = options;
    this.#quota = new PeerQuota({ channel: options.channel, quotaBytes: options.peerQuotaBytes });
  }

  /** Rounds were delivered: peers may say as much again. */
  renew(): void {
    this.#quota.renew();
  }

  *inputsOf(pending: Pending): Generator<Input> {
    if (pending.kind === "own") yield pending.input;
    if (pending.kind !== "peer") return;
    const { mesh, outlet, onFault } = this.#options;
    const { from, envelopes, state, accused } = mesh.receive(pending.from, pending.input);
    for (const item of state) {
      if (item.kind !== "batch") this.#hear(from, item);
      else if (outlet.answered(from, item)) yield batchInput(from, item);
    }
    for (const envelope of envelopes) if (this.#isAdmissible(from, envelope)) yield { kind: "message", from, envelope };
    if (accused === undefined) return;
    if (accused.party === pending.from) mesh.refuse(pending.from, accused.fault);
    else onFault(accused.party, accused.fault, "relay");
  }

  #isAdmissible(from: PartyId, envelope: Envelope): boolean {
    const refusal = this.#quota.refusal(from, envelope, this.#options.servedFrom());
    if (refusal !== undefined && refusal !== "late") this.#options.onFault(from, refusal, envelope.tag);
    return refusal === undefined;
  }

  #hear(from: PartyId, item: Exclude<StateItem, BatchItem>): void {
    const { transfer, pleas, onFault } = this.#options;
    if (item.kind === "checkpoint") transfer.offered(from, item);
    else if (item.kind === "chunk") transfer.chunk(from, item);
    else if (item.kind === "noChunk") transfer.noChunk(from, item);
    else if (!pleas.hear(from, item.payload)) onFault(from, "malformed-message", "rejoin");
  }
}

function batchInput(from: PartyId, { channel, lane, height, digest, bytes }: BatchItem): Input {
  return { kind: "batch", from, channel, name: { lane, height, digest }, bytes };
}
