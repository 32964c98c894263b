/** The client that a party's replica is, where it has something ordered for others: it asks all replicas, its own too, as every client does. */
import type { Client } from "../client/index.js";
import type { ClientConfig } from "../replica/config.js";
import type { Party } from "../replica/config-files.js";
import { connectClient } from "./cluster-client.js";

/** As its file would have it; undefined when the party is no client. */
export function clientOfParty({ public: cluster, config: { party }, keys }: Party): ClientConfig | undefined {
  const client = cluster.parties[party]?.client;
  if (client === undefined || keys.client === undefined) return undefined;
  return { format: "abcast-client/2", client, ...keys.client, public: cluster };
}

/** Connects when it is asked for first: who serves nobody needs no connections. */
export class OwnClient {
  readonly #party: Party;
  #client: Client | undefined;
  #isClosed = false;

  constructor(party: Party) {
    this.#party = party;
  }

  /** Undefined when the party is no client, or this is closed. */
  get(): Client | undefined {
    if (this.#client !== undefined || this.#isClosed) return this.#client;
    const config = clientOfParty(this.#party);
    this.#client = config && connectClient(config, { home: this.#party.config.party });
    return this.#client;
  }

  close(): void {
    this.#isClosed = true;
    this.#client?.close();
    this.#client = undefined;
  }
}
