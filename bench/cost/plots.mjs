/** The plots of docs/cost.md, by file name. */
import { AGREEMENT, seriesOf, variantName } from "../../dist/sim/cost/index.js";
import { logPlot } from "./svg.mjs";

/** @param {readonly import("../../dist/sim/cost/index.js").Row[]} rows */
export function plots(rows) {
  const series = seriesOf(rows);
  const line = (name, protocol, variant, adversary, of) => {
    const found = series.find(
      (one) => one.protocol === protocol && one.variant === variant && one.adversary === adversary,
    );
    if (found === undefined) throw new Error(`no series ${protocol}; ${variant}; ${adversary}`);
    return { name, points: found.rows.map((row) => ({ n: row.n, value: of(row) })) };
  };
  const agreement = (variant, certificates, adversary, of) => {
    const { order, delivery = "full", parallel = 1 } = variant;
    const options = [delivery, ...(parallel === 1 ? [] : [`${parallel} at once`]), certificates];
    return line(
      [`${order}, ${adversary}`, options.join(", ")],
      AGREEMENT,
      variantName(variant, certificates),
      adversary,
      of,
    );
  };
  const orders = (of) => [
    agreement({ order: "fixed" }, "multisig", "benign", of),
    agreement({ order: "fixed" }, "multisig", "fixed-starver", of),
    agreement({ order: "random" }, "multisig", "benign", of),
    agreement({ order: "random" }, "multisig", "coin-starver", of),
    agreement({ order: "adaptive" }, "multisig", "benign", of),
    agreement({ order: "adaptive" }, "multisig", "coin-starver", of),
  ];
  const tries = ({ tries: tried }) => tried;
  const bytes = (row) => row.bytes;
  const variants = [
    [{ order: "fixed" }, "multisig"],
    [{ order: "fixed", delivery: "on-request" }, "multisig"],
    [{ order: "fixed", parallel: 3 }, "multisig"],
    [{ order: "fixed" }, "threshold"],
    [{ order: "random" }, "multisig"],
    [{ order: "random" }, "threshold"],
  ];
  const reliable = (dissemination, size) =>
    line([dissemination, `${size} bytes`], "reliable broadcast", `${dissemination}, ${size} bytes`, "benign", bytes);
  return {
    "cost-messages.svg": logPlot({
      title: "Messages for one agreement",
      description:
        "All lines rise with the square of n but that of the fixed order under the fixed-starver, which rises with the cube.",
      yLabel: "messages",
      lines: orders((row) => row.messages),
    }),
    "cost-candidates.svg": logPlot({
      title: "Candidates tried for one agreement",
      description:
        "In the fixed order under the fixed-starver they rise with n, to two thirds of it. In random order they stay below three, in the adaptive one below four.",
      yLabel: "candidates, mean over coins",
      lines: [
        agreement({ order: "fixed" }, "multisig", "fixed-starver", tries),
        agreement({ order: "random" }, "multisig", "fixed-starver", tries),
        agreement({ order: "random" }, "multisig", "coin-starver", tries),
        agreement({ order: "adaptive" }, "multisig", "fixed-starver", tries),
        agreement({ order: "adaptive" }, "multisig", "coin-starver", tries),
      ],
    }),
    "cost-rounds.svg": logPlot({
      title: "Asynchronous rounds of one agreement",
      description:
        "Six in the fixed and the adaptive order and ten in the random one when all goes well. Under the fixed-starver those of the fixed order rise with n; the others stay below thirty.",
      yLabel: "longest causal chain, messages",
      lines: orders((row) => row.rounds),
    }),
    "cost-bytes.svg": logPlot({
      title: "Bytes for one agreement when all goes well",
      description:
        "With a list of signatures as a certificate bytes rise with the cube of n, with one threshold signature with the square.",
      yLabel: "bytes",
      lines: variants.map(([variant, certificates]) => agreement(variant, certificates, "benign", bytes)),
    }),
    "cost-reliable.svg": logPlot({
      title: "Bytes for one reliable broadcast",
      description:
        "Whole messages cost bytes with the square of n. Fragments cost much less when the message is long, and more when it is short.",
      yLabel: "bytes",
      lines: [100, 10_000, 100_000].flatMap((size) => [reliable("full", size), reliable("coded", size)]),
    }),
  };
}
