/** The routes of auctions and order books, with what a replica has for them. */
import { ProblemError, type Route } from "../../adapters/rest/index.js";
import type { Party } from "../../replica/config-files.js";
import { REFUSALS, type ReplyFrame } from "../../wire/client-frames.js";
import { askDesk, type ReplicaApiOptions } from "../replica-api.js";
import { type BiddingKeyRoutesOptions, biddingKeyRoutes } from "./bidding-key-routes.js";
import { type BiddingRoutesOptions, biddingRoutes } from "./bidding-routes.js";
import { CALL_PROBLEMS, notServing } from "./failures.js";

export interface NodeBiddingOptions extends ReplicaApiOptions, Pick<BiddingRoutesOptions, "client"> {
  readonly party: Party;
  readonly signatures: BiddingKeyRoutesOptions["signatures"];
}

/** None where the cluster does not run bidding. */
export function nodeBiddingRoutes(options: NodeBiddingOptions): Route[] {
  const { public: cluster } = options.party;
  if (!cluster.channel.services.includes("bidding")) return [];
  const common = { cluster: cluster.cluster, client: () => options.client() };
  return [
    ...biddingRoutes({
      ...common,
      encryptionKey: cluster.keys.encryption,
      submit: async (payload) => executed(await askDesk(options, { kind: "submit", payload, want: "reply" })),
    }),
    ...biddingKeyRoutes({ ...common, signatures: options.signatures }),
  ];
}

/** @throws ProblemError when it was not executed, or nobody knows yet */
function executed(reply: ReplyFrame | "closed" | "late"): Extract<ReplyFrame, { readonly kind: "reply" }> {
  if (reply === "closed") throw notServing();
  if (reply === "late") {
    const detail = CALL_PROBLEMS["no-answer-in-time"];
    throw new ProblemError({ status: 504, code: "no-answer-in-time", detail, retryAfterMs: 1_000 });
  }
  if (reply.kind === "reply") {
    if (!reply.isVoid) return reply;
    throw new ProblemError({ status: 409, code: "number-used", detail: "the request's number was given up" });
  }
  if (reply.kind !== "refused") throw new Error(`the desk answered with ${reply.kind}`);
  const { code, reason: detail, retryAfterMs } = reply;
  if (retryAfterMs > 0) throw new ProblemError({ status: 503, code: "busy", detail, retryAfterMs });
  const name = REFUSALS[code] ?? "refused";
  throw new ProblemError({ status: name === "invalid-payload" ? 400 : 409, code: name, detail });
}
