/** How commands of the page come to be ordered: a client's by its signed request, a registered key's by the replica. */
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { biddingKeyRoutes } from "../../../src/cli/rest/bidding-key-routes.js";
import { jsonRoute, ProblemError } from "../../../src/adapters/rest/index.js";
import { toHex } from "../../../src/core/bytes.js";
import { decodeBiddingOperation } from "../../../src/services/bidding/index.js";
import type { Identity } from "../../../src/web/auctions/identity.js";
import { senderOf } from "../../../src/web/auctions/senders.js";
import { decodePayload } from "../../../src/wire/payload.js";
import { z } from "zod";
import { replicaClient, serve } from "../../cli/rest/bidding-fixture.js";
import { register } from "../../services/bidding/keys.js";
import { CLUSTER, keyOf, sealing, TERMS, World } from "../../services/bidding/support.js";

const world = new World();
const numbers: number[] = [];
const requests: string[] = [];
/** How often the replica's client was needed, and when there is none. */
let [asked, failAt] = [0, 0];

const client = replicaClient(world, (bytes) => {
  const operation = decodeBiddingOperation(bytes);
  if (operation.ok && operation.value.kind === "signed") numbers.push(operation.value.number);
});
const routes = [
  ...biddingKeyRoutes({
    cluster: CLUSTER,
    signatures: sealing.signatures,
    client: () => (++asked === failAt ? undefined : client),
  }),
  jsonRoute({
    method: "POST",
    path: "/v1/auctions/commands",
    operationId: "commands",
    summary: "",
    body: { kind: "json", name: "Body", schema: z.object({ request: z.string() }) },
    answer: { name: "Done", schema: z.object({ auction: z.number() }) },
    run: async ({ body }) => {
      requests.push(body.request);
      if (requests.length === 1) throw new ProblemError({ status: 503, code: "busy", detail: "busy" });
      return { auction: 5 };
    },
  }),
];

let close: () => Promise<void>;
beforeAll(async () => {
  const served = await serve(routes);
  close = () => served.close();
  const { fetch } = globalThis;
  vi.stubGlobal("fetch", (path: string, init: RequestInit) => fetch(`${served.base}${path}`, init));
});
afterAll(async () => {
  vi.unstubAllGlobals();
  await close();
});

const begin = { kind: "create", terms: TERMS.open } as const;

describe("a registered key's commands", () => {
  const key = register(world, 1, "Bidder Ltd");
  const identity = {
    who: { kind: "key", name: "Bidder Ltd" },
    cluster: CLUSTER,
    publicKey: key.publicKey,
    sign: (statement: Uint8Array) => key.sign(statement),
  } as Identity;

  it("are carried by the replica as the key's, with numbers that grow", async () => {
    const sender = senderOf(identity);
    expect(await sender.send(begin)).toMatchObject({ kind: "created", auction: 1 });
    expect(await sender.send(begin)).toMatchObject({ kind: "created", auction: 2 });
    expect(numbers).toEqual([1, 2]);
    expect(toHex(world.auction(2).owner)).toBe(toHex(key.publicKey));
    await expect(sender.send({ kind: "close", auction: 9, counter: 1 })).rejects.toThrow("refused: no-auction");
  });

  it("are not sent again where they may have been done", async () => {
    // The page asks for the number; the replica asks for the key's record, and then has the command ordered.
    [asked, failAt] = [0, 3];
    const ordered = numbers.length;
    await expect(senderOf(identity).send(begin)).rejects.toThrow("this replica starts, stops");
    expect([asked, numbers.length]).toEqual([3, ordered]);
  });
});

describe("a client's commands", () => {
  it("are its requests, and the same bytes again where it may have been done", async () => {
    const sign = (): Uint8Array => new Uint8Array(64);
    const identity = { who: { kind: "client", client: 1 }, cluster: CLUSTER, publicKey: keyOf(1), sign } as unknown;
    expect(await senderOf(identity as Identity).send(begin)).toEqual({ auction: 5 });
    expect(requests).toHaveLength(2);
    expect(requests[0]).toBe(requests[1]);
    const payload = decodePayload(new Uint8Array(Buffer.from(requests[0] ?? "", "base64")));
    expect(payload).toMatchObject({ ok: true, value: { kind: "request", number: 1, action: { service: "bidding" } } });
  });
});
