/** `abcast book`: orders in a continuous order book that the cluster runs. */
import { type Command, Argument } from "commander";
import type { Level, Side } from "../../services/bidding/index.js";
import { type BiddingOptions, actingOptions, amount, withBidding } from "../bidding-client.js";
import { example, wholeNumber } from "../options.js";

export function registerBook(program: Command): void {
  const book = program
    .command("book")
    .summary("trade in an order book")
    .description(
      "Orders in a book that `abcast auction create --kind book` has begun: matched by price, and then by time. Exit code 1 when the service refuses.",
    );
  actingOptions(book.command("place"))
    .description("Places an order: with --price a limit order, of which the rest waits in the book; else at any price.")
    .argument("<BOOK>", "its number", amount)
    .addArgument(new Argument("<SIDE>", "what the order does").choices(["buy", "sell"]))
    .argument("<QUANTITY>", "how much", wholeNumber(1, 0xffff_ffff))
    .option("--price <AMOUNT>", "the worst price for one", wholeNumber(1, Number.MAX_SAFE_INTEGER))
    .addHelpText("after", example("abcast book place 1 buy 10 --price 99 --cluster cluster/client-0.json"))
    .action(place);
  actingOptions(book.command("cancel"))
    .description("Takes what is left of an order of the client's, or the key's, out of the book.")
    .argument("<BOOK>", "its number", amount)
    .argument("<ORDER>", "the order's number", amount)
    .addHelpText("after", example("abcast book cancel 1 7 --cluster cluster/client-0.json"))
    .action(cancel);
  actingOptions(book.command("show"))
    .description("Prints what rests in the book, best prices first, and the client's, or the key's, own orders.")
    .argument("<BOOK>", "its number", amount)
    .addHelpText("after", example("abcast book show 1 --cluster cluster/client-0.json"))
    .action(show);
}

async function place(
  book: number,
  side: Side,
  quantity: number,
  options: BiddingOptions & { readonly price?: number },
): Promise<void> {
  await withBidding(options, async ({ bidding, output, call }) => {
    const newOrder = { side, quantity, price: options.price };
    const { order, fills, resting, sequence, round } = await bidding.place(book, newOrder, call);
    const filled = fills.reduce((sum, fill) => sum + fill.quantity, 0);
    const lines = fills.map((fill) => `  ${fill.quantity} at ${fill.price}, with order ${fill.order}`);
    output.result(
      { ok: true, order, fills, resting, sequence, round },
      [`order ${order}: ${filled} filled, ${resting} in the book`, ...lines].join("\n"),
    );
  });
}

async function cancel(book: number, order: number, options: BiddingOptions): Promise<void> {
  await withBidding(options, async ({ bidding, output, call }) => {
    const { quantity, sequence, round } = await bidding.cancel(book, order, call);
    output.result(
      { ok: true, order, quantity, sequence, round },
      `order ${order} is cancelled, ${quantity} were left of it`,
    );
  });
}

async function show(book: number, options: BiddingOptions): Promise<void> {
  await withBidding(options, async ({ bidding, output, call }) => {
    const { timeoutMs } = call;
    const { buy, sell, lastTrade } = await bidding.depth(book, { timeoutMs });
    const orders = await bidding.orders(book, { timeoutMs });
    const text = (side: Side, levels: readonly Level[]): string[] =>
      levels.map(({ price, quantity, orders }) => `  ${side} ${quantity} at ${price} (${orders} orders)`);
    output.result(
      { buy, sell, lastTrade: lastTrade ?? null, orders },
      [
        `book ${book}${lastTrade === undefined ? "" : `, last trade ${lastTrade.quantity} at ${lastTrade.price}`}`,
        ...text("sell", sell).reverse(),
        ...text("buy", buy),
        ...orders.map(({ order, side, quantity, price }) => `own order ${order}: ${side} ${quantity} at ${price}`),
      ].join("\n"),
    );
  });
}
