/**
 * A space–time diagram of a run: a line of time for each party, downwards; an arrow for each message. Time is counted in events: the
 * network has no clock. Plain data, so that a file and a page can draw the same.
 */
import type { PartyId } from "../core/party-set.js";
import { type MessageClass, describeFlight } from "./describe.js";
import type { SimEvent } from "./event.js";
import type { Flight } from "./flight.js";

export interface Arrow {
  readonly from: PartyId;
  readonly to: PartyId;
  /** Event numbers. */
  readonly sentAt: number;
  readonly endedAt: number;
  /** Lost messages end between the lines; those that are under way when the diagram ends, at its end. */
  readonly end: "received" | "lost" | "under way";
  readonly class: MessageClass;
  readonly text: string;
}

export interface Mark {
  readonly party: PartyId;
  readonly at: number;
  readonly kind: "submitted" | "delivered" | "crashed" | "restarted" | "stopped" | "corrupted" | "attacked" | "accused";
  readonly text: string;
}

/** Something that concerns all, or two of them. */
export interface Band {
  readonly at: number;
  readonly text: string;
}

export interface Diagram {
  readonly parties: number;
  readonly corrupted: readonly PartyId[];
  /** Events in all. */
  readonly length: number;
  readonly arrows: readonly Arrow[];
  readonly marks: readonly Mark[];
  readonly bands: readonly Band[];
}

/** Listens to a run, and has its diagram at any time. */
export class DiagramRecorder {
  #parties = 0;
  readonly #corrupted: PartyId[] = [];
  readonly #sent = new Map<Flight, number>();
  readonly #arrows: Arrow[] = [];
  readonly #marks: Mark[] = [];
  readonly #bands: Band[] = [];
  #at = 0;

  readonly observe = (event: SimEvent): void => {
    switch (event.kind) {
      case "began":
        this.#parties = event.parties;
        this.#corrupted.push(...event.corrupted);
        return;
      case "sent":
        this.#sent.set(event.flight, this.#at);
        return;
      case "received":
        // What a party does because of a message happens at once with its arrival.
        this.#at++;
        return this.#end(event.flight, "received");
      case "lost":
        return this.#end(event.flight, "lost");
      case "submitted":
        this.#at++;
        return this.#mark(event.party, event.kind, "a client's payload");
      case "delivered":
        return this.#mark(
          event.party,
          event.kind,
          `delivers round ${event.value.round}: ${event.value.payloads.length} payloads`,
        );
      case "accused":
        return this.#mark(event.by, event.kind, `accuses ${event.party}: ${event.fault}`);
      case "attacked":
        return this.#mark(event.party, event.kind, event.attack);
      case "broke":
        return this.#band(`link ${event.from} – ${event.to} breaks`);
      case "cut":
        return this.#band(`link ${event.from} – ${event.to} is cut`);
      case "mended":
        return this.#band(`link ${event.from} – ${event.to} is mended`);
      case "corrupted":
        this.#corrupted.push(event.party);
        this.#at++;
        return this.#mark(event.party, event.kind, "lies from now on");
      case "partitioned":
        return this.#band(`partition: ${event.side.join(", ")} on one side`);
      case "healed":
        return this.#band("the partition ends");
      case "crashed":
      case "restarted":
      case "stopped":
        this.#at++;
        return this.#mark(event.party, event.kind, event.kind);
    }
  };

  #end(flight: Flight, end: Arrow["end"]): void {
    const sentAt = this.#sent.get(flight);
    if (sentAt === undefined) return;
    this.#sent.delete(flight);
    this.#arrows.push(arrowOf(flight, sentAt, this.#at, end));
  }

  #mark(party: PartyId, kind: Mark["kind"], text: string): void {
    this.#marks.push({ party, at: this.#at, kind, text });
  }

  #band(text: string): void {
    this.#bands.push({ at: ++this.#at, text });
  }

  get diagram(): Diagram {
    const open = [...this.#sent].map(([flight, sentAt]) => arrowOf(flight, sentAt, this.#at + 1, "under way"));
    return {
      parties: this.#parties,
      corrupted: [...this.#corrupted],
      length: this.#at + 1,
      arrows: [...this.#arrows, ...open],
      marks: [...this.#marks],
      bands: [...this.#bands],
    };
  }
}

function arrowOf({ from, to, body }: Flight, sentAt: number, endedAt: number, end: Arrow["end"]): Arrow {
  return { from, to, sentAt, endedAt, end, ...describeFlight(body) };
}
