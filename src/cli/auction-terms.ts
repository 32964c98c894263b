/** An auction's terms from the options of `abcast auction create`. */
import { type Command, InvalidArgumentError, Option } from "commander";
import { utf8 } from "../core/bytes.js";
import {
  type Criterion,
  MAX_CRITERIA,
  MAX_TITLE_BYTES,
  MAX_UNIT_BYTES,
  type Terms,
} from "../services/bidding/index.js";
import { InputError } from "./errors.js";
import { amount } from "./bidding-client.js";
import { wholeNumber } from "./options.js";

const KINDS = ["sealed-first", "sealed-second", "open", "tender", "book"] as const;
const MAX_WEIGHT = 0xffff_ffff;

export interface TermsOptions {
  readonly kind: (typeof KINDS)[number];
  readonly title: string;
  readonly unit: string;
  /** Each a key in hexadecimal, or a name. */
  readonly bidder?: readonly string[];
  readonly closesAt?: number;
  readonly closesIn?: number;
  readonly replace: boolean;
  readonly withdraw: boolean;
  readonly reserve?: number;
  readonly increment?: number;
  readonly maxPrice?: number;
  readonly priceWeight?: number;
  readonly criterion?: readonly Criterion[];
}

export function termsOptions(command: Command): Command {
  return command
    .addOption(
      new Option("--kind <KIND>", "what kind of auction; book: a continuous order book")
        .choices(KINDS)
        .makeOptionMandatory(),
    )
    .requiredOption("--title <TEXT>", "what it is about", text(MAX_TITLE_BYTES))
    .option("--unit <TEXT>", "what amounts count, such as EUR", text(MAX_UNIT_BYTES), "")
    .option(
      "--bidder <KEY>",
      "who may bid: a client or a registered key by its public key, or a registered key by its name; may be repeated (default: all)",
      collect((value) => value),
    )
    .option(
      "--closes-at <TIME>",
      "when it closes by itself, such as 2030-01-31T12:00:00Z (default: by `auction close`)",
      time,
    )
    .option("--closes-in <SECONDS>", "the same, from now", wholeNumber(1, 86_400 * 365))
    .option("--no-replace", "a sealed bid cannot be replaced by another of its bidder")
    .option("--no-withdraw", "a bid cannot be taken back")
    .option("--reserve <AMOUNT>", "the least that wins (default: 0; not of a tender)", amount)
    .option("--increment <AMOUNT>", "by how much a bid must be above the one that leads (open; default: 1)", amount)
    .option("--max-price <AMOUNT>", "the most that wins (tender; default: any)", amount)
    .option(
      "--price-weight <NUMBER>",
      "what each unit of the price takes from a bid's score (tender; default: 1)",
      wholeNumber(1, MAX_WEIGHT),
    )
    .option(
      "--criterion <NAME:WEIGHT:MAX>",
      "what each unit of a value from 0 to MAX adds to the score, or with -WEIGHT takes from it (tender); may be repeated",
      collect(criterion),
    );
}

/** But for `bidder`, since the cluster knows keys by their names: for everybody. @throws InputError when options do not go together */
export function termsOf(options: TermsOptions, nowMs: number): Terms {
  const { kind, title, unit, closesAt, closesIn } = options;
  if (closesAt !== undefined && closesIn !== undefined)
    throw new InputError({ option: "--closes-in" }, "cannot be given with --closes-at");
  refuseForeign(options);
  const closesAtMs = closesIn === undefined ? closesAt : nowMs + 1000 * closesIn;
  const common = { title, unit, bidders: [], closesAtMs };
  if (kind === "book") return { kind, ...common };
  const { replace: mayReplace, withdraw: mayWithdraw, reserve = 0 } = options;
  if (kind === "open") return { kind, ...common, mayWithdraw, reserve, increment: options.increment ?? 1 };
  const sealed = { ...common, mayReplace, mayWithdraw };
  if (kind !== "tender") return { kind, ...sealed, reserve };
  const { maxPrice = Number.MAX_SAFE_INTEGER, priceWeight = 1, criterion = [] } = options;
  if (criterion.length > MAX_CRITERIA)
    throw new InputError(
      { option: "--criterion" },
      `is given ${criterion.length} times, at most ${MAX_CRITERIA} are allowed`,
    );
  return { kind, ...sealed, maxPrice, priceWeight, criteria: criterion };
}

const SEALED = ["sealed-first", "sealed-second", "tender"];
const OF_KINDS: readonly (readonly [option: keyof TermsOptions, name: string, kinds: readonly string[]])[] = [
  ["replace", "--no-replace", SEALED],
  ["withdraw", "--no-withdraw", [...SEALED, "open"]],
  ["reserve", "--reserve", ["sealed-first", "sealed-second", "open"]],
  ["increment", "--increment", ["open"]],
  ["maxPrice", "--max-price", ["tender"]],
  ["priceWeight", "--price-weight", ["tender"]],
  ["criterion", "--criterion", ["tender"]],
];

function refuseForeign(options: TermsOptions): void {
  const isGiven = (value: unknown): boolean => value !== undefined && value !== true;
  for (const [option, name, kinds] of OF_KINDS)
    if (isGiven(options[option]) && !kinds.includes(options.kind))
      throw new InputError({ option: name }, `is not for --kind ${options.kind}, only for ${kinds.join(", ")}`);
  if (options.increment === 0) throw new InputError({ option: "--increment" }, "must be at least 1");
}

function collect<Item>(parse: (text: string) => Item): (text: string, before?: readonly Item[]) => readonly Item[] {
  return (text, before = []) => [...before, parse(text)];
}

function text(maxBytes: number): (text: string) => string {
  return (value) => {
    if (utf8(value).length <= maxBytes) return value;
    throw new InvalidArgumentError(`It must have at most ${maxBytes} bytes.`);
  };
}

function time(value: string): number {
  const timeMs = /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)$/.test(value) ? Date.parse(value) : NaN;
  if (Number.isSafeInteger(timeMs) && timeMs >= 0) return timeMs;
  throw new InvalidArgumentError("It must be a time with its zone, such as 2030-01-31T12:00:00Z.");
}

function criterion(value: string): Criterion {
  const [, name = "", sign, weight, max] = /^([^:]+):(-?)(\d{1,10}):(\d{1,10})$/.exec(value) ?? [];
  const numbers = { weight: Number(weight), max: Number(max) };
  if (Object.values(numbers).every((number) => number <= MAX_WEIGHT))
    return { name: text(MAX_TITLE_BYTES)(name), effect: sign === "-" ? "subtracts" : "adds", ...numbers };
  throw new InvalidArgumentError(
    `It must be NAME:WEIGHT:MAX with whole numbers up to ${MAX_WEIGHT}, such as quality:10:100.`,
  );
}
