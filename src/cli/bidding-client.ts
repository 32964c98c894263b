/** What the commands of the bidding service have in common. */
import { Option, type Command } from "commander";
import {
  type Bidding,
  BiddingRefusedError,
  type CallOptions,
  type Client,
  clientActor,
  keyActor,
  NoAuctionError,
  openBidding,
} from "../client/index.js";
import type { ClusterPublic } from "../replica/config.js";
import { loadBidder } from "./bidder-file.js";
import { openClient } from "./cluster-client.js";
import { EXIT } from "./errors.js";
import { jsonOption, wholeNumber } from "./options.js";
import { type Output, createOutput } from "./output.js";
import { passphrase } from "./passphrase.js";

export interface BiddingOptions {
  readonly cluster: string;
  readonly timeout: number;
  readonly json?: boolean;
  /** Of commands that may be a registered key's. */
  readonly key?: string;
}

/** Numbers of auctions, bids and orders, and amounts. */
export const amount = wholeNumber(0, Number.MAX_SAFE_INTEGER);

export function biddingOptions(command: Command): Command {
  return command
    .requiredOption("--cluster <FILE>", "the client's file, client-I.json: its key is the auctioneer's or bidder's")
    .addOption(
      new Option("--timeout <SECONDS>", "how long to wait for enough replicas")
        .argParser(wholeNumber(1, 86_400))
        .default(30),
    )
    .addOption(jsonOption());
}

/** For what a registered key may do as well. */
export function actingOptions(command: Command): Command {
  return biddingOptions(command).option(
    "--key <FILE>",
    "act as the registered key in FILE (abcast auction key); the client of --cluster only carries the command",
  );
}

export interface BiddingWork {
  readonly bidding: Bidding;
  readonly output: Output;
  readonly call: CallOptions & { readonly timeoutMs: number };
  readonly cluster: ClusterPublic;
}

/** Exit code 1 when the service refuses, or has no such auction. */
export async function withBidding(options: BiddingOptions, work: (parts: BiddingWork) => Promise<void>): Promise<void> {
  const { client, config } = await openClient(options.cluster, passphrase);
  const output = createOutput(options);
  try {
    const { public: cluster } = config;
    const bidding = openBidding(client, cluster.keys.encryption, await actorOf(options, client, cluster));
    await work({ bidding, output, call: { timeoutMs: options.timeout * 1000 }, cluster });
  } catch (error) {
    const reason = refusalOf(error);
    if (reason === undefined || !(error instanceof Error)) throw error;
    process.exitCode = EXIT.invalid;
    output.result({ ok: false, reason }, error.message);
  } finally {
    client.close();
  }
}

async function actorOf({ key }: BiddingOptions, client: Client, cluster: ClusterPublic) {
  return key === undefined ? clientActor(client) : keyActor(client, await loadBidder(key, cluster, passphrase));
}

function refusalOf(error: unknown): string | undefined {
  if (error instanceof BiddingRefusedError) return error.reason;
  return error instanceof NoAuctionError ? "no-auction" : undefined;
}
