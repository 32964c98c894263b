/** `abcast auction`: auctions and tenders that the cluster runs; sealed bids are encrypted here, and opened by the replicas after the close. */
import type { Command } from "commander";
import { toHex } from "../../core/bytes.js";
import { formatAward, verifyAward } from "../../verify/index.js";
import { type TermsOptions, termsOf, termsOptions } from "../auction-terms.js";
import { bidText, outcomeText, verifyAwardFile } from "../award-report.js";
import { auctionJson, bidJson } from "../bidding-json.js";
import { type BiddingOptions, actingOptions, amount, biddingOptions, withBidding } from "../bidding-client.js";
import { keysNamed, namesOf, registeredAmong } from "../key-names.js";
import { example, jsonOption, wholeNumber } from "../options.js";
import { printable } from "../printable.js";
import { receiptKeySpki } from "../receipt-key.js";
import { checkTarget, writeWhole } from "../whole-file.js";
import { registerAuctionKeys } from "./auction-key.js";

const CLIENT = "--cluster cluster/client-0.json";

export function registerAuction(program: Command): void {
  const auction = program
    .command("auction")
    .summary("run auctions and tenders, and bid in them")
    .description(
      "Auctions and tenders. Sealed bids are encrypted for the group: nobody reads one before the close. Exit code 1 when the service refuses.",
    );
  termsOptions(actingOptions(auction.command("create")))
    .description("Begins an auction, and prints its number. Its owner is the client, or who holds the key.")
    .addHelpText(
      "after",
      example(`abcast auction create --kind sealed-first --title "A boat" --reserve 1000 ${CLIENT}`),
    )
    .action(create);
  actingOptions(auction.command("bid"))
    .description(
      "Bids AMOUNT, with a value for each criterion of a tender. In a sealed auction the bid is encrypted before it leaves this machine.",
    )
    .argument("<AUCTION>", "its number", amount)
    .argument("<AMOUNT>", "a whole number", amount)
    .argument("[VALUES...]", "of a tender's criteria, in their order")
    .addHelpText("after", example("abcast auction bid 1 1200 --cluster cluster/client-1.json"))
    .action(bid);
  actingOptions(auction.command("withdraw"))
    .description("Takes the client's bid back, before the close, where the terms let it.")
    .argument("<AUCTION>", "its number", amount)
    .addHelpText("after", example("abcast auction withdraw 1 --cluster cluster/client-1.json"))
    .action(withdraw);
  actingOptions(auction.command("close"))
    .description("Closes an auction that has no closing time; only its owner can.")
    .argument("<AUCTION>", "its number", amount)
    .addHelpText("after", example(`abcast auction close 1 ${CLIENT}`))
    .action(close);
  biddingOptions(auction.command("show"))
    .description("Prints an auction with its bids, or all auctions.")
    .argument("[AUCTION]", "its number", amount)
    .addHelpText("after", example(`abcast auction show 1 ${CLIENT}`))
    .action(show);
  biddingOptions(auction.command("award"))
    .description(
      "Writes the award of a decided auction: the outcome, signed by the group, and all that it follows from.",
    )
    .argument("<AUCTION>", "its number", amount)
    .requiredOption("-o, --out <FILE>", "where to write it; must not exist")
    .addHelpText("after", example(`abcast auction award 1 ${CLIENT} -o boat.award`))
    .action(award);
  auction
    .command("verify")
    .description(
      "Checks an award, offline: that the group signed it, that the bids are in their order and before the close, and that the outcome follows from them. Exit code 1 when not.",
    )
    .argument("<AWARD>", "the file")
    .requiredOption("--public <FILE>", "the cluster's public.json, from a source that you trust")
    .addOption(jsonOption())
    .addHelpText("after", example("abcast auction verify boat.award --public cluster/public.json"))
    .action(verifyAwardFile);
  registerAuctionKeys(auction);
}

async function create(options: BiddingOptions & TermsOptions): Promise<void> {
  const terms = termsOf(options, Date.now());
  const { bidder = [] } = options;
  await withBidding(options, async ({ bidding, output, call }) => {
    const bidders = await keysNamed(bidder, bidding, call.timeoutMs);
    const { auction, sequence, round } = await bidding.create({ ...terms, bidders }, call);
    output.result({ ok: true, auction, sequence, round }, `auction ${auction} is open (round ${round})`);
  });
}

async function bid(auction: number, price: number, texts: readonly string[], options: BiddingOptions): Promise<void> {
  const values = texts.map(wholeNumber(0, 0xffff_ffff));
  await withBidding(options, async ({ bidding, output, call }) => {
    const { bid, sequence, round } = await bidding.bid(auction, { amount: price, values }, call);
    output.result({ ok: true, auction, bid, sequence, round }, `bid ${bid} of auction ${auction} (round ${round})`);
  });
}

async function withdraw(auction: number, options: BiddingOptions): Promise<void> {
  await withBidding(options, async ({ bidding, output, call }) => {
    const { sequence, round } = await bidding.withdraw(auction, call);
    output.result({ ok: true, auction, sequence, round }, `the bid is withdrawn (round ${round})`);
  });
}

async function close(auction: number, options: BiddingOptions): Promise<void> {
  await withBidding(options, async ({ bidding, output, call }) => {
    const { sequence, round } = await bidding.close(auction, call);
    output.result({ ok: true, auction, sequence, round }, `auction ${auction} is closed (round ${round})`);
  });
}

async function show(auction: number | undefined, options: BiddingOptions): Promise<void> {
  await withBidding(options, async ({ bidding, output, call, cluster }) => {
    const { timeoutMs } = call;
    if (auction === undefined) {
      const auctions = await bidding.auctions({ timeoutMs });
      const lines = auctions.map(
        ({ auction, kind, title, stage }) => `${auction}  ${kind}  ${stage}  ${printable(title)}`,
      );
      return output.result({ auctions }, lines.join("\n") || "there are no auctions");
    }
    const summary = await bidding.auction(auction, { timeoutMs });
    const bids = summary.terms.kind === "book" ? [] : await bidding.bids(auction, { timeoutMs });
    const { owner, terms, stage, outcome, faulty } = summary;
    const shown = [owner, ...terms.bidders, ...bids.map(({ bidder }) => bidder)];
    const registered = await registeredAmong(shown, bidding, cluster, timeoutMs);
    const name = namesOf(cluster, registered);
    const names = Object.fromEntries(registered.map(({ key, name }) => [toHex(key), name]));
    output.result(
      { ...auctionJson(summary), bids: bids.map(bidJson), names },
      [
        `auction ${auction} of ${name(owner)}: ${printable(terms.title)} (${terms.kind}, ${stage})`,
        ...bids.map((bid) => `  ${bidText(bid, name)}`),
        ...faulty.map((party) => `  party ${party} gave a false decryption share`),
        ...(stage === "decided" ? [outcomeText(outcome, bids, terms.unit, name)] : []),
      ].join("\n"),
    );
  });
}

async function award(auction: number, options: BiddingOptions & { readonly out: string }): Promise<void> {
  const { out } = options;
  await checkTarget({ option: "--out", file: out }, { replace: false, keep: [options.cluster] });
  await withBidding(options, async ({ bidding, output, call, cluster }) => {
    const file = await bidding.award(auction, call);
    const verdict = await verifyAward({ file, receiptKeySpki: receiptKeySpki(cluster), cluster: cluster.cluster });
    // An honest party stands behind the signature and each answer, so this is a defect.
    if (!verdict.valid) throw new Error(`the award does not hold: ${verdict.reason}`);
    await writeWhole(out, formatAward(file));
    output.result({ ok: true, auction, award: out }, `the award of auction ${auction} is in ${out}`);
  });
}
