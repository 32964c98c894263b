/** What hosts say to each other besides what their engines say: requests and what serves them, and what a new connection begins with. */
import type { Envelope } from "../core/envelope.js";
import type { PartyId } from "../core/party-set.js";
import type { BatchName } from "../core/protocol.js";
import type { Tag } from "../core/tag.js";
import type { FlightBody } from "./flight.js";
import type { Liars } from "./liars.js";
import type { Links } from "./links.js";
import type { SimParty } from "./party.js";

export interface ConnectionsOptions {
  readonly links: Links;
  readonly liars: Liars;
  readonly channels: readonly Tag[];
  count(action: string): void;
}

export class Connections {
  readonly #options: ConnectionsOptions;

  constructor(options: ConnectionsOptions) {
    this.#options = options;
  }

  /** What a party says to another, or what a corrupted one says instead. */
  say(from: PartyId, to: PartyId, envelope: Envelope): void {
    const { links, liars } = this.#options;
    const number = links.nextNumber(from, to);
    for (const said of liars.tamper(from, to, number, envelope))
      links.send(from, to, { kind: "entry", envelope: said });
  }

  askProofs(party: SimParty, of: PartyId, channel: Tag, round: number, decidedBelow: number): void {
    if (!party.requests.start(of, channel, round, decidedBelow)) return;
    this.#options.count("ask-proofs");
    this.#options.links.send(party.id, of, { kind: "askProofs", channel, round });
  }

  askRepeat(party: SimParty, of: PartyId): void {
    this.#options.count("ask-repeat");
    // As a replica does (replica/outlet.ts): proofs may be among what was dropped.
    party.requests.forget(of);
    this.#options.links.send(party.id, of, { kind: "askRepeat" });
  }

  /** Unless it has come by itself. */
  askBatch(party: SimParty, of: PartyId, channel: Tag, name: BatchName): void {
    if (!party.batches(channel).wants(name)) return;
    this.#options.count("ask-batch");
    this.#options.links.send(party.id, of, { kind: "askBatch", channel, name });
  }

  /** A request of `asker` has reached `party`. */
  serve(
    party: SimParty,
    asker: PartyId,
    request: Extract<FlightBody, { kind: "askProofs" | "askBatch" | "askRepeat" }>,
  ): void {
    if (request.kind === "askRepeat") return this.#repeat(party, asker);
    if (request.kind === "askBatch") return this.#serveBatch(party, asker, request.channel, request.name);
    for (const envelope of party.proofs(request.channel, request.round)) {
      this.#options.links.send(party.id, asker, { kind: "proof", envelope });
      this.#options.count("serve-proof");
    }
  }

  /** What a party has kept, or what a corrupted one gives instead. */
  #serveBatch(party: SimParty, to: PartyId, channel: Tag, name: BatchName): void {
    const { links, liars } = this.#options;
    const kept = party.batches(channel).get(name);
    const bytes = kept && liars.serve(party.id, to, links.nextNumber(party.id, to), kept);
    if (bytes !== undefined) links.send(party.id, to, { kind: "batch", channel, name, bytes });
  }

  #repeat(party: SimParty, to: PartyId): void {
    for (const envelope of party.said(to)) this.say(party.id, to, envelope);
  }

  /** Both ends say which rounds they are in, and send what the other lacks. */
  connect(a: SimParty, b: SimParty): void {
    const { links, channels } = this.#options;
    if (links.isCut(a.id, b.id)) return;
    for (const [x, y] of [
      [a, b],
      [b, a],
    ] as const) {
      this.#repeat(x, y.id);
      y.requests.forget(x.id);
      for (const channel of channels) {
        for (const { name } of y.batches(channel).wanted) this.askBatch(y, x.id, channel, name);
        const round = y.inspect(channel)?.round ?? 1;
        const decidedBelow = x.inspect(channel)?.round ?? 1;
        if (round + 1 < decidedBelow && y.requests.start(x.id, channel, round, decidedBelow))
          links.send(y.id, x.id, { kind: "askProofs", channel, round });
      }
    }
  }
}
