/** The transparency log of a replica's process: where its cluster runs the notary, and it keeps its whole ledger. */
import { join } from "node:path";
import { LogFilesError } from "../adapters/tlog/index.js";
import type { HttpApi } from "../adapters/http/index.js";
import { createEd25519Signer, createEd25519Verifier } from "../crypto/ed25519/ed25519.js";
import type { PartyId } from "../core/party-set.js";
import type { Party } from "../replica/config-files.js";
import { groupOf } from "../replica/config-group.js";
import type { Storage } from "../replica/storage.js";
import { MAX_NOTE_BYTES } from "../tlog/index.js";
import { InvalidError, UnreachableError } from "./errors.js";
import { logApi } from "./log-api.js";
import { LogPublisher, logKeys } from "./log-publisher.js";
import { fetchFile } from "./log-reader.js";

/** Another replica that does not answer within it is left out of a checkpoint. */
const ASK_TIMEOUT_MS = 2_000;

export interface NodeLog {
  readonly apis: readonly HttpApi[];
  /** Undefined until `open`, and where there is none. */
  readonly publisher: LogPublisher | undefined;
  /** When the ledger is what the replica starts from. */
  open(storage: Pick<Storage, "ledger">): Promise<void>;
  close(): Promise<void>;
}

export function nodeLog(party: Party, onLog: (message: string) => void): NodeLog {
  const { public: cluster, config, keys } = party;
  if (!cluster.channel.services.includes("notary") || party.channel.ledger === "recent") return NO_LOG;
  const directory = join(party.directory, "tlog");
  let publisher: LogPublisher | undefined;
  return {
    apis: [logApi({ directory, publisher: () => publisher })],
    get publisher() {
      return publisher;
    },
    async open(storage) {
      try {
        publisher = await LogPublisher.open({
          cluster: cluster.cluster,
          self: config.party,
          group: groupOf(cluster),
          keys: logKeys(cluster.cluster, cluster.keys.cosigning),
          signer: createEd25519Signer(keys.cosigning),
          directory,
          ledger: (sequence) => storage.ledger(sequence),
          ask: (other, size) => ask(party, other, size),
          verify: (publicKey, statement, signature) => createEd25519Verifier(publicKey)(statement, signature),
          nowMs: () => Date.now(),
          onLog,
        });
        publisher.start();
      } catch (error) {
        // Nothing else depends on it.
        if (!(error instanceof LogFilesError)) throw error;
        onLog(`no transparency log: ${error.message}; copy the directory tlog of another replica, and start again`);
      }
    },
    async close() {
      await publisher?.close();
    },
  };
}

const NO_LOG: NodeLog = {
  apis: [],
  publisher: undefined,
  open: () => Promise.resolve(),
  close: () => Promise.resolve(),
};

/** Who does not answer, or with too much, is left out: its cosignature may come with the next checkpoint. */
async function ask({ public: { parties } }: Party, other: PartyId, size: number): Promise<Uint8Array | undefined> {
  const entry = parties[other];
  if (entry === undefined) return undefined;
  const host = entry.host.includes(":") ? `[${entry.host}]` : entry.host;
  const base = new URL(`http://${host}:${entry.httpPort}/tlog/`);
  return fetchFile(base, `cosigned?size=${size}`, MAX_NOTE_BYTES, ASK_TIMEOUT_MS).catch((error: unknown) => {
    if (error instanceof UnreachableError || error instanceof InvalidError) return undefined;
    throw error;
  });
}
