/** Real processes that agree in adaptive order, two candidates at once, with proposals that are asked for, by BLS certificates and coins. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { openStorage } from "../../src/adapters/storage/index.js";
import { storeDirectory } from "../../src/cli/store-directory.js";
import { toHex } from "../../src/core/bytes.js";
import { decode } from "../../src/core/codec.js";
import {
  type MultivaluedAgreementMessage,
  consistentBroadcastMessageCodec,
  multivaluedAgreementMessageCodec,
} from "../../src/protocols/index.js";
import { decodeInput } from "../../src/replica/input-log.js";
import { LocalCluster } from "./local-cluster.js";

const cluster = new LocalCluster();
const document = join(cluster.work, "note.txt");

async function notarized(name: string): Promise<void> {
  const { code, stderr } = await cluster.notarize(document, join(cluster.work, name));
  expect(code, stderr).toBe(0);
}

interface Heard {
  readonly messages: readonly MultivaluedAgreementMessage[];
  /** In hexadecimal. */
  readonly proposals: readonly string[];
}

/** What parties have heard from others: in multi-valued agreement, and as proposals. Who is done with a round hears nothing of it any more. */
async function heard(): Promise<Heard> {
  const all = await Promise.all([0, 1, 2, 3].map(heardBy));
  return { messages: all.flatMap(({ messages }) => messages), proposals: all.flatMap(({ proposals }) => proposals) };
}

async function heardBy(party: number): Promise<Heard> {
  const store = await openStorage(storeDirectory(cluster.party(party)));
  const inputs = [...store.inputs()].map(decodeInput);
  await store.close();
  const envelopes = inputs.flatMap((input) => (input.kind === "message" ? [input.envelope] : []));
  const messages = envelopes.flatMap(({ tag, body }) => {
    const message = tag.endsWith("/mvba") ? decode(multivaluedAgreementMessageCodec, body) : undefined;
    return message?.ok === true ? [message.value] : [];
  });
  const proposals = envelopes.flatMap(({ tag, body }) => {
    const message = tag.includes("/mvba/proposal/") ? decode(consistentBroadcastMessageCodec, body) : undefined;
    return message?.ok === true && message.value.kind === "send" ? [toHex(message.value.message)] : [];
  });
  return { messages, proposals };
}

beforeAll(async () => {
  const agreement = ["--order", "adaptive", "--delivery", "on-request", "--parallel", "2", "--vector-size", "quorum"];
  await cluster.init(...agreement, "--certificates", "bls", "--coins", "bls");
  writeFileSync(document, "I owe you a cake.\n");
});
afterAll(() => cluster.remove());

it("writes the variant into the public file", () => {
  const { channel } = JSON.parse(readFileSync(cluster.publicFile, "utf8")) as { channel: unknown };
  expect(channel).toMatchObject({ c: "quorum", order: "adaptive", delivery: "on-request", parallel: 2 });
});

it("orders, also with one party down, and takes it in again", async () => {
  await cluster.ok("up", cluster.directory);
  await notarized("first");
  await cluster.killNow(1);
  await notarized("second");
  await cluster.ok("up", cluster.directory);
  await notarized("third");
  const parties = await cluster.settled(3);
  expect(parties.map(({ accusations }) => accusations)).toEqual([[], [], [], []]);
  await cluster.ok("verify", document, join(cluster.work, "second"), "--public", cluster.publicFile);
  await cluster.ok("down", cluster.directory);
  expect(cluster.processes()).toEqual([]);
});

it("votes by certificates, and proves decisions as parallel agreement does", async () => {
  const { messages, proposals } = await heard();
  const votes = messages.flatMap((message) => (message.kind === "yes" ? [toHex(message.closing)] : []));
  expect(votes.length).toBeGreaterThan(0);
  expect(proposals.length).toBeGreaterThan(0);
  for (const vote of votes) expect(proposals.filter((proposal) => vote.includes(proposal))).toEqual([]);
  expect(messages.map(({ kind }) => kind)).toContain("decided");
});
