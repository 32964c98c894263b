/** The archive of a replica's process: where its cluster runs the notary, and it keeps its whole ledger. */
import { join } from "node:path";
import type { Applied, Machine } from "../replica/machine/index.js";
import type { Party } from "../replica/config-files.js";
import type { Storage } from "../replica/storage.js";
import { decodeNotaryAnswer } from "../services/notary/index.js";
import { NotaryArchive } from "./notary-archive.js";

const NOTARY = "notary";
const NOTHING = new Uint8Array();

export class NodeArchive {
  readonly #party: Party;
  readonly #onLog: (message: string) => void;
  #archive: NotaryArchive | undefined;

  constructor(party: Party, onLog: (message: string) => void) {
    this.#party = party;
    this.#onLog = onLog;
  }

  /** Undefined until `open`, and where there is none. */
  get archive(): NotaryArchive | undefined {
    return this.#archive;
  }

  /** When the ledger, and the machine, are what the replica starts from. */
  async open(storage: Pick<Storage, "ledger">, machine: () => Machine): Promise<void> {
    const { public: cluster, channel, directory } = this.#party;
    if (!cluster.channel.services.includes(NOTARY) || channel.ledger === "recent") return;
    try {
      this.#archive = await NotaryArchive.open({
        path: join(directory, "documents.mdb"),
        cluster: cluster.cluster,
        ledger: (sequence) => storage.ledger(sequence),
        position: () => ({ sequence: machine().tip.sequence, documents: documentCount(machine()) }),
        onLog: this.#onLog,
      });
    } catch (error) {
      this.#fail(error);
    }
  }

  applied(applied: readonly Applied[]): void {
    try {
      this.#archive?.applied(applied);
    } catch (error) {
      this.#fail(error);
    }
  }

  /** The replica goes on without: nothing else depends on it. */
  #fail(cause: unknown): void {
    this.#onLog(`no index of documents: ${cause instanceof Error ? cause.message : String(cause)}`);
    const archive = this.#archive;
    this.#archive = undefined;
    archive?.close().catch((problem: unknown) => this.#onLog(`closing it: ${String(problem)}`));
  }

  installed(): void {
    this.#archive?.installed();
  }

  async close(): Promise<void> {
    await this.#archive?.close();
  }
}

function documentCount(machine: Machine): number {
  const answer = decodeNotaryAnswer(machine.query(NOTARY, NOTHING) ?? NOTHING);
  if (!answer.ok) throw new Error(`the notary answers what is no answer: ${answer.error}`);
  return answer.value.documents;
}
