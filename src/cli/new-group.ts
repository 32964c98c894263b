/** Who may fail in a new cluster, and what follows for its channel: from the options of `abcast init`. */
import { GroupError, type Group } from "../core/group.js";
import { PartySet } from "../core/party-set.js";
import type { Structure } from "../core/structure.js";
import { MAX_VECTOR_SIZE } from "../protocols/atomic-broadcast/messages.js";
import { type Adversary, thresholdsOf } from "../replica/config-adversary.js";
import { type Issue, checkRules } from "../replica/config-checks.js";
import { groupOf } from "../replica/config-group.js";
import type { NamedStructure } from "../replica/config-structure.js";
import { type ChannelRules, MAX_SERVICES } from "../replica/config.js";
import { InputError } from "../replica/input-error.js";
import { describeFailed, judge, loadStructure } from "./named-structure.js";
import { DEFAULT_SERVICES } from "./services.js";

export interface NewGroupOptions {
  readonly t?: number;
  readonly structure?: string;
  readonly vectorSize?: ChannelRules["c"];
  readonly order: ChannelRules["order"];
  readonly delivery: ChannelRules["delivery"];
  readonly parallel: number;
  readonly dissemination: ChannelRules["dissemination"];
  /** Of those that come with abcast; all of them unless any are named here or below. */
  readonly services?: readonly string[];
  /** Of a program of one's own. */
  readonly ownServices?: readonly string[];
  readonly checkpointInterval: number;
}

export interface NewGroup {
  readonly adversary: Adversary;
  readonly group: Group;
  readonly channel: ChannelRules;
}

/** The structure that --structure names, if it does; one that can be tolerated. @throws InputError */
export async function structureOf({ structure: file, t }: NewGroupOptions): Promise<NamedStructure | undefined> {
  if (file === undefined) return undefined;
  if (t !== undefined)
    throw new InputError({ option: "--t" }, "cannot be combined with --structure, which says who may be corrupted");
  const structure = await loadStructure(file);
  const verdict = judge(file, structure);
  if (verdict.valid) return structure;
  const reason = describeFailed(verdict.condition, verdict.covering, structure.parties.length);
  throw new InputError({ option: "--structure" }, `${file}: ${reason}`);
}

/** `names`: party i's at index i. @throws InputError naming the option that does not work */
export function newGroup(
  options: NewGroupOptions,
  structure: NamedStructure | undefined,
  names: readonly string[],
): NewGroup {
  const n = names.length;
  const adversary = structure === undefined ? plain(options.t ?? Math.floor((n - 1) / 3)) : numbered(structure, names);
  const group = checkedGroup(n, adversary);
  const channel = channelOf(n, adversary, options);
  const [broken] = checkRules({ n, adversary, channel });
  if (broken === undefined) return { adversary, group, channel };
  throw new InputError({ option: optionOf(broken, structure) }, broken.message);
}

function optionOf({ path: [part, field] }: Issue, structure: NamedStructure | undefined): string {
  if (part === "channel") return field === "dissemination" ? "--dissemination" : "--vector-size";
  return structure === undefined ? "--t" : "--structure";
}

function plain(t: number): Adversary {
  return { byzantine: { kind: "threshold", max: t }, crash: { kind: "threshold", max: 0 } };
}

/** A structure was judged before; here it can only be --t. */
function checkedGroup(n: number, adversary: Adversary): Group {
  try {
    return groupOf({ n, adversary });
  } catch (error) {
    if (!(error instanceof GroupError)) throw error;
    throw new InputError({ option: "--t" }, `${error.message}; give fewer, or more parties`);
  }
}

function channelOf(n: number, adversary: Adversary, options: NewGroupOptions): ChannelRules {
  const { vectorSize, order, delivery, parallel, dissemination, checkpointInterval } = options;
  const c = vectorSize ?? greatestVectorSize(n, adversary);
  return { c, order, delivery, parallel, dissemination, services: servicesOf(options), checkpointInterval };
}

/** Ascending, none twice. @throws InputError when they are too many */
function servicesOf({ services, ownServices = [] }: NewGroupOptions): readonly string[] {
  const known = services ?? (ownServices.length === 0 ? DEFAULT_SERVICES : []);
  const names = [...new Set([...known, ...ownServices])].sort();
  if (names.length > MAX_SERVICES)
    throw new InputError({ option: "--own-services" }, `a cluster runs at most ${MAX_SERVICES} services`);
  return names;
}

/** The fairest. */
function greatestVectorSize(n: number, adversary: Adversary): ChannelRules["c"] {
  const thresholds = thresholdsOf(adversary);
  return thresholds === undefined ? "quorum" : Math.min(n - thresholds.byzantine - thresholds.crash, MAX_VECTOR_SIZE);
}

/** The structure for the parties in the order of `names`, whatever order the file has. */
function numbered({ parties, byzantine, crash }: NamedStructure, names: readonly string[]): Adversary {
  const places = new Map(parties.map(({ name }, place) => [name, place]));
  const order = names.map((name) => {
    const place = places.get(name);
    if (place !== undefined) return place;
    throw new InputError(
      { option: "--structure" },
      `has no party "${name}": its names must be those of --parties or --cards`,
    );
  });
  const listed = new Set(names);
  const missing = parties.find(({ name }) => !listed.has(name));
  if (missing !== undefined)
    throw new InputError(
      { option: "--structure" },
      `has a party "${missing.name}" that --parties or --cards does not list`,
    );
  return { byzantine: reordered(byzantine, order), crash: reordered(crash, order) };
}

/** `order[i]`: which party of `structure` is party i of the result. */
function reordered(structure: Structure, order: readonly number[]): Structure {
  if (structure.kind === "threshold") return structure;
  if (structure.kind === "weights")
    return { ...structure, weights: order.map((place) => structure.weights[place] ?? 0) };
  if (structure.kind === "attributes")
    return {
      ...structure,
      attributes: structure.attributes.map((values) => order.map((place) => values[place] ?? "")),
    };
  const renumbered = (set: PartySet): PartySet =>
    PartySet.of([...order.keys()].filter((party) => set.has(order[party] ?? -1)));
  return { ...structure, sets: structure.sets.map(renumbered) };
}
