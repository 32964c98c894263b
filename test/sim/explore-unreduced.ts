/**
 * Binary agreement without any of the explorer's reductions, on one random schedule: three engines, the honest parties' own bytes,
 * single deliveries in any order, and a corrupted party that says anything of its repertoire to anybody at any time.
 */
import type { Envelope } from "../../src/core/envelope.js";
import { thresholdGroup } from "../../src/core/group.js";
import type { PartyId } from "../../src/core/party-set.js";
import {
  type BinaryAgreementMessage,
  type BinaryDecision,
  type BinaryInput,
  type Bit,
  binaryAgreement,
} from "../../src/protocols/binary-agreement/index.js";
import type * as explore from "../../src/sim/explore/index.js";
import type { AbbaOptions, Party, Said } from "../../src/sim/explore/index.js";
import { Random } from "../../src/sim/random.js";

type Explorer = typeof explore;

interface View {
  readonly said: readonly Said[];
  readonly decided: Bit | undefined;
  readonly round: number;
}

/** What parties have said that can still matter, whoever they are. */
function footprint({ nameOf }: Explorer, rounds: number, views: readonly View[]): string {
  const active = views.filter(({ decided, round }) => decided === undefined && round <= rounds);
  const oldest = Math.min(...active.map(({ round }) => round)) - 1;
  const names = views.map(({ said, decided }) => {
    const kept = said.filter(({ kind, round }) => kind !== "decision" && round <= rounds && round >= oldest);
    return `${decided ?? ""}|${kept.map(nameOf).sort().join("+")}`;
  });
  return names.sort().join(" # ");
}

/** Of all states that the explorer visits. */
export function footprints(explorer: Explorer, options: AbbaOptions): ReadonlySet<string> {
  const reached = new Set<string>();
  const { violation } = explorer.search(new explorer.AbbaModel(options), {
    onState: ({ honest }) => {
      const views = honest.map(({ said, decided, local }) => ({ said, decided, round: local.round }));
      reached.add(footprint(explorer, options.rounds, views));
    },
  });
  if (violation !== undefined) throw new Error(violation.problem);
  return reached;
}

interface Honest {
  readonly party: Party<BinaryInput, BinaryAgreementMessage, BinaryDecision>;
  readonly said: Said[];
  input: Bit | undefined;
  decided: Bit | undefined;
}

export class Unreduced {
  readonly #explorer: Explorer;
  readonly #options: AbbaOptions;
  readonly #random: Random;
  readonly #group = thresholdGroup({ n: 4, byzantine: 1 });
  readonly #suites: ReturnType<Explorer["exploredSuite"]>[];
  readonly #honest: readonly Honest[];
  readonly #flights: { readonly from: PartyId; readonly to: PartyId; readonly envelope: Envelope }[] = [];

  constructor(explorer: Explorer, options: AbbaOptions, seed: number) {
    this.#explorer = explorer;
    this.#options = options;
    this.#random = new Random(seed);
    this.#suites = this.#group.parties.map((self) =>
      explorer.exploredSuite(this.#group, self, () => new Uint8Array(32)),
    );
    this.#honest = options.inputs.map((input, self) => {
      const suite = this.#suites[self];
      if (suite === undefined) throw new Error("no suite");
      const protocol = binaryAgreement({ predicate: explorer.predicate });
      return {
        party: new explorer.Party({ self, group: this.#group, suite, protocol }),
        said: [],
        input,
        decided: undefined,
      };
    });
  }

  /** The footprint after each delivery. */
  *run(): Generator<string> {
    for (let step = 0; step < 60; step++) {
      const to = this.#random.below(this.#honest.length);
      if (this.#random.below(6) === 0) this.#giveInput(to);
      else if (this.#random.below(3) === 0) this.#byzantine(to);
      else this.#deliverAny();
      yield footprint(this.#explorer, this.#options.rounds, this.#honest.map(view));
    }
  }

  #giveInput(to: PartyId): void {
    const honest = this.#honest[to];
    if (honest?.input === undefined) return;
    const value = honest.input;
    honest.input = undefined;
    this.#give(to, { kind: "input", value: { value, proof: this.#explorer.proofOf(value) } });
  }

  #deliverAny(): void {
    if (this.#flights.length === 0) return;
    const [flight] = this.#flights.splice(this.#random.below(this.#flights.length), 1);
    if (flight !== undefined) this.#give(flight.to, { kind: "message", from: flight.from, envelope: flight.envelope });
  }

  #byzantine(to: PartyId): void {
    const { repertoire, bytesOf, BYZANTINE, TAG } = this.#explorer;
    const heard = {
      histories: this.#honest.map(({ said }) => said),
      group: this.#group,
      proofs: this.#options.proofs,
    };
    const kind = this.#random.pick(["preVote", "mainVote"] as const);
    const said = this.#random.pick(repertoire(heard, { kind, round: 1 + this.#random.below(this.#options.rounds) }));
    const body = bytesOf(this.#suites, BYZANTINE, said);
    this.#give(to, { kind: "message", from: BYZANTINE, envelope: { tag: TAG, body } });
  }

  #give(to: PartyId, given: Parameters<Honest["party"]["give"]>[0]): void {
    const honest = this.#honest[to];
    if (honest === undefined) throw new Error(`no party ${to}`);
    const heard = new Set<Uint8Array>();
    const isWithin = (said: Said | undefined): boolean =>
      said !== undefined && (said.kind === "decision" || said.round <= this.#options.rounds);
    for (const effect of honest.party.give(given)) {
      if (effect.kind === "accuse" && effect.party < this.#honest.length) throw new Error("an honest party is accused");
      if (effect.kind === "output") honest.decided = effect.value.value;
      if (effect.kind !== "send") continue;
      const said = this.#explorer.saidBy(effect.envelope.body);
      if (effect.to < this.#honest.length && isWithin(said))
        this.#flights.push({ from: to, to: effect.to, envelope: effect.envelope });
      if (heard.has(effect.envelope.body)) continue;
      heard.add(effect.envelope.body);
      if (said !== undefined) honest.said.push(said);
    }
  }
}

function view({ said, decided }: Honest): View {
  return { said, decided, round: Math.max(1, ...said.map(({ kind, round }) => (kind === "preVote" ? round : 1))) };
}
