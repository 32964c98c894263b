/**
 * The machine's word on what may be ordered: a payload that is right by itself, under a number or nonce that is not used yet. It
 * knows of the machine's state the numbers only, and counts on by itself as rounds are decided: the machine may be behind.
 */
import { encode, struct } from "../../core/codec.js";
import { InvariantError } from "../../core/protocol.js";
import type { Admission } from "../../protocols/index.js";
import {
  type DutyRecord,
  type RejoinRecord,
  clientsCodec,
  decodeSnapshot,
  dutiesCodec,
  noOutcomeCodec,
  rejoinsCodec,
} from "./client-codec.js";
import { DutyNumbers } from "./duty-numbers.js";
import { type PayloadReader, identityOf } from "./payload-reader.js";
import { Rejoins } from "./rejoins.js";
import { type ClientRecord, type Keeping, SessionTable } from "./sessions.js";

const snapshotCodec = struct({ clients: clientsCodec(noOutcomeCodec), rejoins: rejoinsCodec, duties: dutiesCodec });

const NUMBERS_ONLY: Keeping<undefined> = {
  order: () => 0,
  replyBytes: () => undefined,
  withoutReply: (outcome) => outcome,
};

/** Rounds are the machine's business. */
const NO_ROUND = 0;

/** What of a machine's state the admission begins with. */
export interface Taken {
  readonly clients: readonly ClientRecord<unknown>[];
  readonly rejoins: readonly RejoinRecord[];
  readonly duties: readonly DutyRecord[];
}

export class MachineAdmission implements Admission {
  readonly #reader: PayloadReader;
  readonly #sessions: SessionTable<undefined>;
  readonly #rejoins: Rejoins;
  readonly #duties: DutyNumbers;

  /** With a state of its own that begins as these records say. @throws SnapshotError when they are those of no state */
  constructor(reader: PayloadReader, { clients, rejoins, duties }: Taken) {
    this.#reader = reader;
    this.#sessions = SessionTable.of(NUMBERS_ONLY, clients.map(numbersOf));
    this.#rejoins = new Rejoins(rejoins.map((record) => ({ ...record, round: NO_ROUND })));
    this.#duties = new DutyNumbers(duties);
  }

  /** @throws SnapshotError when `snapshot` is none */
  static restore(reader: PayloadReader, snapshot: Uint8Array): MachineAdmission {
    return new MachineAdmission(reader, decodeSnapshot(snapshotCodec, snapshot));
  }

  identify(payload: Uint8Array): string | undefined {
    return this.#reader.read(payload)?.id;
  }

  digest(payload: Uint8Array): Uint8Array {
    return this.#reader.digestOf(payload);
  }

  isOpen(id: string): boolean {
    const identity = identityOf(id);
    if (identity.kind === "rejoin") return this.#rejoins.isOpen(identity.party, identity.nonce);
    if (identity.kind === "duty") return this.#duties.next(identity.party) === identity.number;
    return this.#sessions.standing(identity).kind === "open";
  }

  /** @throws InvariantError when it is not open, or the payload is another's */
  deliver(id: string, payload: Uint8Array): void {
    const known = this.#reader.read(payload);
    if (known === undefined || known.id !== id)
      throw new InvariantError(`what was delivered as ${id} is something else`);
    const identity = identityOf(id);
    if (identity.kind === "rejoin")
      this.#rejoins.take({ party: identity.party, nonce: identity.nonce, round: NO_ROUND });
    else if (identity.kind === "duty") this.#duties.take(identity);
    else this.#sessions.take(identity, known.acknowledged, undefined);
  }

  snapshot(): Uint8Array {
    return encode(snapshotCodec, {
      clients: this.#sessions.records(),
      rejoins: this.#rejoins.records(),
      duties: this.#duties.records(),
    });
  }
}

function numbersOf({ client, sessions }: ClientRecord<unknown>): ClientRecord<undefined> {
  return {
    client,
    sessions: sessions.map(({ session, acknowledged, outcomes }) => ({
      session,
      acknowledged,
      outcomes: outcomes.map(({ number }) => ({ number, outcome: undefined })),
    })),
  };
}
