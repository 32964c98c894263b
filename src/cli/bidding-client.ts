/** What the commands of the bidding service have in common. */
import { Option, type Command } from "commander";
import { type Bidding, BiddingRefusedError, NoAuctionError, openBidding } from "../client/index.js";
import type { CallOptions } from "../client/index.js";
import { equalBytes, toHex } from "../core/bytes.js";
import type { ClusterPublic } from "../replica/config.js";
import { openClient } from "./cluster-client.js";
import { EXIT } from "./errors.js";
import { jsonOption, wholeNumber } from "./options.js";
import { type Output, createOutput } from "./output.js";
import { passphrase } from "./passphrase.js";

export interface BiddingOptions {
  readonly cluster: string;
  readonly timeout: number;
  readonly json?: boolean;
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

export interface BiddingWork {
  readonly bidding: Bidding;
  readonly output: Output;
  readonly call: CallOptions;
  readonly cluster: ClusterPublic;
  /** This client's. */
  readonly publicKey: Uint8Array;
}

/** Exit code 1 when the service refuses, or has no such auction. */
export async function withBidding(options: BiddingOptions, work: (parts: BiddingWork) => Promise<void>): Promise<void> {
  const { client, config } = await openClient(options.cluster, passphrase);
  const output = createOutput(options);
  try {
    const { public: cluster } = config;
    const bidding = openBidding(client, cluster.keys.encryption);
    await work({ bidding, output, call: { timeoutMs: options.timeout * 1000 }, cluster, publicKey: client.publicKey });
  } catch (error) {
    const reason = refusalOf(error);
    if (reason === undefined || !(error instanceof Error)) throw error;
    process.exitCode = EXIT.invalid;
    output.result({ ok: false, reason }, error.message);
  } finally {
    client.close();
  }
}

function refusalOf(error: unknown): string | undefined {
  if (error instanceof BiddingRefusedError) return error.reason;
  return error instanceof NoAuctionError ? "no-auction" : undefined;
}

/** A client as people call it. */
export function nameOf({ clients }: Pick<ClusterPublic, "clients">, key: Uint8Array): string {
  const index = clients.findIndex(({ publicKey }) => equalBytes(publicKey, key));
  return index < 0 ? toHex(key) : `client ${index}`;
}
