/** Links among parties of one process. */
import type { Envelope } from "../core/envelope.js";
import type { PartyId } from "../core/party-set.js";
import type { Tag } from "../core/tag.js";
import { LinksError } from "./errors.js";
import type { LinkHandlers, Links } from "./links.js";
import { SaidMessages } from "./said.js";

/** Links among the parties 0..n-1; those of party i are at index i. */
export function memoryLinks(n: number): readonly Links[] {
  const ends: MemoryEnd[] = Array.from({ length: n }, (_, self) => new MemoryEnd(self, (party) => ends[party]));
  return ends;
}

class MemoryEnd implements Links {
  readonly #self: PartyId;
  readonly #endOf: (party: PartyId) => MemoryEnd | undefined;
  /** What was said to each party and is not retired. */
  readonly #said = new Map<PartyId, SaidMessages>();
  #waiting: { readonly from: PartyId; readonly envelope: Envelope }[] = [];
  #handlers: LinkHandlers | undefined;
  #isOpened = false;
  #isScheduled = false;
  #isClosed = false;

  constructor(self: PartyId, endOf: (party: PartyId) => MemoryEnd | undefined) {
    this.#self = self;
    this.#endOf = endOf;
  }

  open(handlers: LinkHandlers): void {
    if (this.#isOpened) throw new LinksError("these links were opened before: each party needs its own");
    this.#isOpened = true;
    this.#handlers = handlers;
    this.#schedule();
  }

  send(to: PartyId, envelope: Envelope): void {
    if (this.#isClosed) return;
    const said = this.#said.get(to) ?? new SaidMessages();
    this.#said.set(to, said);
    said.push(envelope);
    this.#endOf(to)?.take(this.#self, [envelope]);
  }

  take(from: PartyId, envelopes: readonly Envelope[]): void {
    if (this.#isClosed) return;
    for (const envelope of envelopes) this.#waiting.push({ from, envelope });
    this.#schedule();
  }

  saidTo(party: PartyId): readonly Envelope[] {
    return this.#said.get(party)?.live.map(({ envelope }) => envelope) ?? [];
  }

  /** In a turn of its own, so that other events come in between. */
  #schedule(): void {
    if (this.#isScheduled || this.#handlers === undefined || this.#waiting.length === 0) return;
    this.#isScheduled = true;
    setTimeout(() => this.#deliver(), 0);
  }

  #deliver(): void {
    this.#isScheduled = false;
    const batch = this.#waiting;
    this.#waiting = [];
    for (const { from, envelope } of batch) if (!this.#isClosed) this.#handlers?.onMessage(from, envelope);
  }

  retire(tag: Tag): void {
    for (const said of this.#said.values()) said.retire(tag);
  }

  askRepeat(from: PartyId): void {
    this.take(from, this.#endOf(from)?.saidTo(this.#self) ?? []);
  }

  close(): Promise<void> {
    this.#isClosed = true;
    this.#waiting = [];
    this.#said.clear();
    return Promise.resolve();
  }
}
