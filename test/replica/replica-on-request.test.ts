/** Where votes carry certificates only, a party may decide without the value: whoever has decided goes on serving it. */
import { expect, it } from "vitest";
import { decode, encode } from "../../src/core/codec.js";
import type { Envelope } from "../../src/core/envelope.js";
import { type ConsistentBroadcastMessage, consistentBroadcastMessageCodec } from "../../src/protocols/index.js";
import { mockHash } from "../../src/sim/mock-suite.js";
import { PEER_PROTOCOL_VERSION, type PeerFrame, peerFrameCodec } from "../../src/wire/peer-frames.js";
import type { MemoryConnection } from "../support/memory-connection.js";
import { AGREED, CLUSTER, TestCluster } from "./test-cluster.js";

const HONEST = [0, 1, 2];
/** We speak for party 3, which was cut off while the others decided. */
const LATE = 3;
const PROPOSAL = "abc/1/mvba/proposal/0";

function say(end: MemoryConnection, frame: PeerFrame): void {
  end.send(encode(peerFrameCodec, frame));
}

it("a replica answers who asks for a value of the round that it has decided", async () => {
  const cluster = new TestCluster({ delivery: "on-request" });
  for (const party of HONEST) await cluster.start(party);
  cluster.submit(0, "a");
  await cluster.run(() => cluster.hasDelivered(1));

  // What replica 0 says to us, on the connection that it dials.
  const heard: Envelope[] = [];
  const toUs = cluster.pairOf(0, LATE);
  toUs.right.start({
    onFrame: (bytes) => {
      const frame = decode(peerFrameCodec, bytes);
      if (frame.ok && frame.value.kind === "message") heard.push(frame.value.envelope);
    },
    onWritable: () => undefined,
    onClose: () => undefined,
  });
  const proposalMessages = (): ConsistentBroadcastMessage[] =>
    heard.flatMap(({ tag, body }) => {
      const message = decode(consistentBroadcastMessageCodec, body);
      return tag === PROPOSAL && message.ok ? [message.value] : [];
    });
  say(toUs.right, { kind: "welcome", resumeAfter: 0, bulkResumeAfter: 0, positions: [{ channel: "abc", round: 1 }] });
  toUs.settle();
  const sent = proposalMessages().find(({ kind }) => kind === "send");
  if (sent?.kind !== "send") throw new Error("replica 0 has not proposed");

  const toIt = cluster.pairOf(LATE, 0);
  toIt.left.start({ onFrame: () => undefined, onWritable: () => undefined, onClose: () => undefined });
  const ask = encode(consistentBroadcastMessageCodec, { kind: "ask", digest: mockHash(sent.message) });
  say(toIt.left, { kind: "hello", version: PEER_PROTOCOL_VERSION, cluster: CLUSTER, run: 1 });
  say(toIt.left, { kind: "message", number: 1, after: 0, envelope: { tag: PROPOSAL, body: ask } });
  toIt.settle();
  for (let turn = 0; turn < 20; turn++) await cluster.turn();
  toUs.settle();
  expect(proposalMessages()).toContainEqual({ kind: "value", message: sent.message });
  expect(cluster.agreement()).toEqual(AGREED);
});
