/**
 * Registered keys over REST: who they are, and a courier for who holds one and is no client. What a key has signed this replica's own client
 * carries: it can neither change it nor use it twice. The replica carries nothing else for anybody, above all no word of its own.
 */
import { jsonRoute, ProblemError, type Route, wholeParameter } from "../../adapters/rest/index.js";
import { fromBase64 } from "../../core/base64.js";
import {
  type BiddingAnswer,
  type BiddingOperation,
  commandStatement,
  decodeBiddingOperation,
  type KeySignatures,
} from "../../services/bidding/index.js";
import { registeredKeyJson } from "../bidding-json.js";
import {
  type Ask,
  asker,
  type BiddingRoutesOptions,
  bytesOf,
  doneOf,
  nextAfter,
  ORDER_COST,
  refused,
  TIMEOUT_MS,
} from "./bidding-routes.js";
import { doneSchema, keyParameter, keySchema, keysSchema, signedCommandSchema } from "./bidding-schemas.js";
import { asProblems, CALL_PROBLEMS, notServing } from "./failures.js";

export interface BiddingKeyRoutesOptions extends Pick<BiddingRoutesOptions, "cluster" | "client"> {
  readonly signatures: Pick<KeySignatures, "verify">;
}

const NO_KEY = { "unknown-key": "it is not registered" } as const;
const CARRIED = {
  ...CALL_PROBLEMS,
  ...NO_KEY,
  "not-a-command": "the bytes are no command that a key has signed",
  "bad-signature": "the key has not signed this, for this cluster",
  "old-number": "the number was used, or a greater one",
  refused: "the service refused; the code is its reason (docs/bidding.md)",
} as const;

type Signed = Extract<BiddingOperation, { readonly kind: "signed" }>;

export function biddingKeyRoutes(options: BiddingKeyRoutesOptions): Route[] {
  const ask = asker(options);
  return [
    jsonRoute({
      method: "GET",
      path: "/v1/bidding/keys",
      operationId: "listKeys",
      summary: "the keys that are registered, in that order",
      problems: CALL_PROBLEMS,
      query: { from: wholeParameter(0, 0xffff_ffff).optional().describe("the first place; left out: all") },
      answer: { name: "Keys", schema: keysSchema },
      async run({ query: { from = 0 } }) {
        const { keys, hasMore } = await ask("keys", { kind: "keys", from });
        return { keys: keys.map(registeredKeyJson), next: nextAfter(hasMore, from + keys.length - 1) };
      },
    }),
    jsonRoute({
      method: "GET",
      path: "/v1/bidding/keys/{key}",
      operationId: "showKey",
      summary: "a registered key, and the least number that its next command may have",
      problems: { ...CALL_PROBLEMS, ...NO_KEY },
      params: { key: keyParameter },
      answer: { name: "Key", schema: keySchema },
      run: async ({ params }) => registeredKeyJson(await keyOf(ask, bytesOf(params.key))),
    }),
    jsonRoute({
      method: "POST",
      path: "/v1/bidding/commands",
      operationId: "carryCommand",
      summary: "have a command ordered that a registered key has signed, by the replica's own client",
      problems: CARRIED,
      cost: ORDER_COST,
      body: { kind: "json", name: "SignedCommand", schema: signedCommandSchema },
      answer: { name: "BiddingDone", schema: doneSchema },
      run: ({ body }) => carry(options, ask, body.operation),
    }),
  ];
}

/** @throws ProblemError */
async function keyOf(ask: Ask, key: Uint8Array): Promise<Extract<BiddingAnswer, { readonly kind: "key" }>> {
  return ask("key", { kind: "key", key }, () => refused("unknown-key"));
}

/** What would be refused is not ordered, as far as one can tell: anybody may ask. */
async function carry({ cluster, client, signatures }: BiddingKeyRoutesOptions, ask: Ask, text: string) {
  const bytes = fromBase64(text);
  const operation = bytes && signedIn(bytes);
  if (bytes === undefined || operation === undefined)
    throw new ProblemError({ status: 400, code: "not-a-command", detail: CARRIED["not-a-command"] });
  const { key, number, command, signature } = operation;
  // Nothing is checked under a key that was not when it was registered.
  const { least } = await keyOf(ask, key);
  if (number < least) throw refused("old-number");
  if (!signatures.verify(key, commandStatement({ cluster, key, number, command }), signature))
    throw refused("bad-signature");
  const own = client();
  if (own === undefined) throw notServing();
  return doneOf(await asProblems(own.call("bidding", bytes, { timeoutMs: TIMEOUT_MS })));
}

function signedIn(bytes: Uint8Array): Signed | undefined {
  const operation = decodeBiddingOperation(bytes);
  return operation.ok && operation.value.kind === "signed" ? operation.value : undefined;
}
