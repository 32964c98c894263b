/** Networks that run reliable broadcast, and what a corrupted sender may spread in them. */
import { utf8 } from "../../src/core/bytes.js";
import { encode } from "../../src/core/codec.js";
import type { Envelope } from "../../src/core/envelope.js";
import type { Fault } from "../../src/core/fault.js";
import type { PartyId } from "../../src/core/party-set.js";
import type { Suite } from "../../src/core/suite.js";
import { codedDissemination } from "../../src/protocols/reliable-broadcast/coded.js";
import type { Piece } from "../../src/protocols/reliable-broadcast/dissemination.js";
import { fullDissemination } from "../../src/protocols/reliable-broadcast/full.js";
import {
  type ReliableBroadcastMessage,
  type ReliableBroadcastOptions,
  reliableBroadcast,
} from "../../src/protocols/reliable-broadcast/index.js";
import { type MerkleTree, merkleTree } from "../../src/core/merkle.js";
import { type NetworkOptions } from "../../src/sim/network.js";
import { ProtocolNetwork } from "../../src/sim/protocol-network.js";

export const SENDER = 0;
export const MAX_BYTES = 60;
export const MODES = ["full", "coded"] as const;
export const A = utf8("ok: the one message");
export const B = utf8("ok: the other");
export const BAD = utf8("no");

type Mode = ReliableBroadcastOptions["dissemination"];

export class ReliableNetwork extends ProtocolNetwork<Uint8Array, ReliableBroadcastMessage, Uint8Array> {
  /** `message` as a corrupted party sends it: within wider bounds than those of the instance. */
  envelope(message: ReliableBroadcastMessage): Envelope {
    const wide = reliableBroadcast({ sender: SENDER, dissemination: "coded", maxBytes: 1000, fault: () => undefined });
    return { tag: this.tag, body: encode(wide.message, message) };
  }

  /** Puts a message of a scripted party on its way. */
  say(from: PartyId, to: PartyId, message: ReliableBroadcastMessage): void {
    this.post(from, to, this.envelope(message));
  }
}

/** The predicate, unless another is given: a message starts with "o". */
function startsWithO(message: Uint8Array): Fault | undefined {
  return message[0] === "o".charCodeAt(0) ? undefined : "invalid-proposal";
}

export function network(
  dissemination: Mode,
  options: NetworkOptions = {},
  { fault = startsWithO, maxBytes = MAX_BYTES }: Partial<ReliableBroadcastOptions> = {},
): ReliableNetwork {
  return new ReliableNetwork(options, reliableBroadcast({ sender: SENDER, dissemination, maxBytes, fault }));
}

export function deliveredOf(net: ReliableNetwork): readonly (readonly Uint8Array[])[] {
  return net.running.map((party) => net.outputsOf(party));
}

/** What a sender may give to the parties. */
export interface Spread {
  readonly root: Uint8Array;
  readonly piece: (party: PartyId) => Piece;
}

/** A message, as an honest sender would. */
export function spreadOf({ group, suites: [suite] }: ReliableNetwork, mode: Mode, message: Uint8Array): Spread {
  if (suite === undefined) throw new RangeError("a group of nobody");
  const pieces = (
    mode === "coded" ? codedDissemination(group, suite, MAX_BYTES) : fullDissemination(group, suite)
  ).split(message);
  const { bytes } = pieces[0] ?? { bytes: message };
  const root =
    mode === "coded"
      ? treeOf(
          suite,
          pieces.map((piece) => piece.bytes),
        ).root
      : suite.hash(bytes);
  return { root, piece: (party) => pieces[party] ?? { bytes, path: [] } };
}

/** A tree over these fragments, whatever they are. */
export function treeSpread({ suites: [suite] }: ReliableNetwork, fragments: readonly Uint8Array[]): Spread {
  if (suite === undefined) throw new RangeError("a group of nobody");
  const { root, paths } = treeOf(suite, fragments);
  return { root, piece: (party) => ({ bytes: fragments[party] ?? new Uint8Array(0), path: paths[party] ?? [] }) };
}

function treeOf(suite: Suite, fragments: readonly Uint8Array[]): MerkleTree {
  return merkleTree((bytes) => suite.hash(bytes), fragments);
}
