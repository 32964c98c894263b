/** The routes of auctions and order books, with what a replica has for them. */
import { ProblemError, type Route } from "../../adapters/rest/index.js";
import type { Party } from "../../replica/config-files.js";
import type { ReplyFrame } from "../../wire/client-frames.js";
import { askDesk, type DeskAccess, type DeskReply } from "../ask-desk.js";
import { type BiddingKeyRoutesOptions, biddingKeyRoutes } from "./bidding-key-routes.js";
import { type BiddingRoutesOptions, biddingRoutes } from "./bidding-routes.js";
import { outcomeIn } from "./desk-replies.js";

export interface NodeBiddingOptions extends DeskAccess, Pick<BiddingRoutesOptions, "client"> {
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
function executed(reply: DeskReply): Extract<ReplyFrame, { readonly kind: "reply" }> {
  const outcome = outcomeIn(reply);
  if (!outcome.isVoid) return outcome;
  throw new ProblemError({ status: 409, code: "number-used", detail: "the request's number was given up" });
}
