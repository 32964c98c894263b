/** The demo's story, in two acts: a crash, then a traitor. */
import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { toHex } from "../../core/bytes.js";
import type { PartyId } from "../../core/party-set.js";
import { loadPublic } from "../../replica/config-files.js";
import { formatReceipt, parseReceipt, verifyReceipt } from "../../verify/index.js";
import type { PartyStatus } from "../party-status.js";
import { hashDocument } from "../document.js";
import { receiptKeySpki } from "../receipt-key.js";
import { type Check, Checks } from "./checks.js";
import type { Notarization, Stage } from "./stage.js";

export interface DemoReport {
  readonly ok: boolean;
  readonly checks: readonly Check[];
  readonly documents: readonly {
    readonly document: string;
    readonly sequence: number;
    readonly round: number;
    readonly latencyMs: number;
  }[];
  readonly accusations: readonly {
    readonly by: PartyId;
    readonly party: PartyId;
    readonly fault: string;
    readonly count: number;
  }[];
  readonly seconds: number;
  /** Where the cluster is, with --keep. */
  readonly directory: string | null;
}

/** What the corrupted replica does, and the accusations that show it. */
const ATTACKS_AND_FAULTS: readonly { readonly attack: string; readonly faults: readonly string[] }[] = [
  { attack: "it equivocates", faults: ["equivocation"] },
  { attack: "it votes twice", faults: ["double-vote"] },
  { attack: "it lies in commits", faults: ["invalid-commit", "vote-contradicts-commit"] },
  { attack: "it sends bad shares", faults: ["invalid-share"] },
];

/** Documents after which the corrupted replica must have shown all its attacks. */
const MAX_DOCUMENTS_IN_ACT_TWO = 60;

const CRASHED: PartyId = 2;
const CORRUPTED: PartyId = 0;
const HONEST: readonly PartyId[] = [1, 2, 3];
const ALL: readonly PartyId[] = [0, 1, 2, 3];

const PACKAGE = fileURLToPath(new URL("../../..", import.meta.url));

/** Real files: the package's own, and this program. */
function documents(): readonly string[] {
  const names = ["package.json", "README.md", "LICENSE", "dist/cli/main.js", "CHANGELOG.md", "dist/protocols/index.js"];
  return names.map((name) => join(PACKAGE, name)).filter((path) => existsSync(path));
}

export interface DemoOptions {
  /** Leave the cluster running at the end. */
  readonly keep: boolean;
  /** Whether the story is told; with --json it is not. */
  readonly tells: boolean;
  readonly say: (line: string) => void;
}

class Demo {
  readonly #say: (line: string) => void;
  readonly #stage: Stage;
  readonly #checks: Checks;
  readonly #notarized: Notarization[] = [];
  readonly #faultySigners = new Set<PartyId>();
  /** The last number up to which the honest replicas said that their logs are equal. */
  #settled = 0;

  /** Whether somebody watches. */
  readonly #tells: boolean;

  constructor(stage: Stage, { say, tells }: DemoOptions) {
    this.#say = say;
    this.#tells = tells;
    this.#stage = stage;
    this.#checks = new Checks(say);
  }

  async play(keep: boolean): Promise<DemoReport> {
    const startedMs = performance.now();
    await this.#prologue();
    await this.#actOne();
    const accusers = this.#stage.hasByzantineProgram ? await this.#actTwo() : this.#skipActTwo();
    if (keep) await this.#returnToHonesty();
    else await this.#stage.stopAll();
    await this.#epilogue();
    return {
      ok: this.#checks.ok,
      checks: this.#checks.list,
      documents: this.#notarized.map(({ document, receipt: { sequence, round }, latencyMs }) => {
        return { document: basename(document), sequence, round, latencyMs: Math.round(latencyMs) };
      }),
      accusations: accusers.flatMap(({ party: by, accusations }) =>
        accusations.map(({ party, fault, count }) => ({ by, party, fault, count })),
      ),
      seconds: Math.round((performance.now() - startedMs) / 100) / 10,
      directory: keep ? this.#stage.clusterDirectory : null,
    };
  }

  async #prologue(): Promise<void> {
    this.#say("A dealer makes the keys for 4 parties, of which any 1 may be corrupted ...");
    await this.#stage.deal(this.#tells);
    const pids = await Promise.all(ALL.map((party) => this.#stage.start(party)));
    this.#say(`Four replicas run as processes ${pids.join(", ")}, connected by mutual TLS 1.3 on loopback.`);
  }

  async #actOne(): Promise<void> {
    this.#say("\nAct one: a notary without a single point of trust");
    for (const document of documents()) await this.#notarize(document);
    const before = await this.#settle(ALL);
    this.#checks.check("all four replicas have the same log", before.equal, digestOf(before.states));

    this.#say(`\n  Replica ${CRASHED} is killed (SIGKILL) ...`);
    await this.#stage.stop(CRASHED, "SIGKILL");
    for (const document of documents().slice(0, 3)) await this.#notarize(document);
    this.#say(`  ... and started again: it replays its log, and gets what it missed as proofs.`);
    await this.#stage.start(CRASHED);
    const after = await this.#settle(ALL);
    this.#checks.check("the killed replica has caught up", after.equal, digestOf(after.states));
    this.#checks.check(
      "nobody accuses anybody",
      after.states.every(({ accusations }) => accusations.length === 0),
    );
  }

  async #actTwo(): Promise<readonly PartyStatus[]> {
    this.#say(`\nAct two: replica ${CORRUPTED} is hacked`);
    await this.#stage.stop(CORRUPTED, "SIGTERM");
    await this.#stage.startByzantine(CORRUPTED);
    const [document = "package.json"] = documents();
    let states: readonly PartyStatus[] = [];
    let count = 0;
    while (count < MAX_DOCUMENTS_IN_ACT_TWO && !this.#hasShownAll(states)) {
      await this.#notarize(document, count++ < 5);
      states = await this.#honestStates();
    }
    this.#say(
      `  ${count} documents notarised beside it. (Its accomplice, a client, may have had some of its own ordered.)`,
    );
    for (const { attack, faults } of ATTACKS_AND_FAULTS) {
      const shown = accusationsOf(states, faults);
      this.#checks.check(`${attack}: accused`, shown.length > 0, shown.join(", "));
    }
    this.#checks.check(
      "its shares of receipts are bad: the client found it out by the proofs",
      this.#faultySigners.has(CORRUPTED),
    );
    const { equal, states: settled } = await this.#settle(HONEST);
    const accused = new Set(settled.flatMap(({ accusations }) => accusations.map(({ party }) => party)));
    const onlyCorrupted = [...accused].every((party) => party === CORRUPTED);
    this.#checks.check(
      "no honest replica is accused, by replicas or client",
      onlyCorrupted && [...this.#faultySigners].every((party) => party === CORRUPTED),
    );
    this.#checks.check("all honest logs are equal", equal, digestOf(settled));
    return settled;
  }

  #skipActTwo(): readonly PartyStatus[] {
    this.#say(
      "\nAct two is skipped: the corrupted replica is a test program, not part of the package. See it in a checkout.",
    );
    return [];
  }

  #hasShownAll(states: readonly PartyStatus[]): boolean {
    const attacks = ATTACKS_AND_FAULTS.every(({ faults }) => accusationsOf(states, faults).length > 0);
    return attacks && this.#faultySigners.has(CORRUPTED);
  }

  async #honestStates(): Promise<readonly PartyStatus[]> {
    return (await this.#stage.status()).filter(({ party }) => HONEST.includes(party));
  }

  async #settle(parties: readonly PartyId[]): ReturnType<Stage["settled"]> {
    const settled = await this.#stage.settled(parties);
    if (settled.equal) this.#settled = settled.states[0]?.sequence ?? 0;
    return settled;
  }

  async #notarize(document: string, tell = true): Promise<void> {
    const notarization = await this.#stage.notarize(document);
    this.#notarized.push(notarization);
    for (const party of notarization.faulty) this.#faultySigners.add(party);
    const { receipt, latencyMs, faulty } = notarization;
    const file = join(this.#stage.directory, `${receipt.sequence}.receipt`);
    writeFileSync(file, formatReceipt(receipt));
    const named = faulty.length === 0 ? "" : `, bad share from ${faulty.join(", ")}`;
    const name = document.startsWith(PACKAGE) ? document.slice(PACKAGE.length) : document;
    if (tell)
      this.#say(
        `  ${name.padEnd(24)} number ${String(receipt.sequence).padStart(3)}, round ${String(receipt.round).padStart(3)}, ${latencyMs.toFixed(0).padStart(4)} ms${named}`,
      );
  }

  async #returnToHonesty(): Promise<void> {
    if (!this.#stage.hasByzantineProgram) return;
    this.#say(
      `\n  Replica ${CORRUPTED} is set up anew. What it said when it was hacked nobody knows: it is silent until the others have ordered that it is back.`,
    );
    await this.#stage.stop(CORRUPTED, "SIGTERM");
    await this.#stage.loseStore(CORRUPTED);
    await this.#stage.start(CORRUPTED);
    await this.#stage.active(CORRUPTED);
  }

  async #epilogue(): Promise<void> {
    this.#say("\nEpilogue: what anybody can check offline");
    const sequences = this.#notarized.map(({ receipt }) => receipt.sequence);
    this.#checks.check(
      "every document has a number of its own",
      new Set(sequences).size === sequences.length,
      `${sequences.length} documents`,
    );
    const logs = await this.#stage.logs(HONEST, this.#settled);
    this.#checks.check(
      "the honest replicas' logs on disk are equal",
      logs.every((log) => log.length === this.#settled && log.join() === logs[0]?.join()),
      `${this.#settled} entries`,
    );
    const cluster = await loadPublic(this.#stage.publicFile);
    const spki = receiptKeySpki(cluster);
    let valid = 0;
    for (const { document, receipt } of this.#notarized) {
      const stored = parseReceipt(readFileSync(join(this.#stage.directory, `${receipt.sequence}.receipt`), "utf8"));
      if (!stored.ok) continue;
      const { digest } = await hashDocument(document);
      const verdict = await verifyReceipt({
        receipt: stored.value,
        digest,
        receiptKeySpki: spki,
        cluster: toHex(cluster.cluster),
      });
      if (verdict.valid) valid++;
    }
    this.#checks.check(
      "all receipts verify with the public file alone",
      valid === this.#notarized.length,
      `${valid} of ${this.#notarized.length}`,
    );
    this.#openssl();
  }

  /** A stranger's tool agrees, where it is installed. */
  #openssl(): void {
    const [first] = this.#notarized;
    if (first === undefined || spawnSync("openssl", ["version"]).status !== 0) {
      this.#say("  (openssl is not installed, so it was not asked)");
      return;
    }
    const statement = join(this.#stage.directory, "statement");
    const signature = join(this.#stage.directory, "signature");
    writeFileSync(statement, first.receipt.statement);
    writeFileSync(signature, first.receipt.signature);
    const key = join(dirname(this.#stage.publicFile), "receipt-key.pem");
    const answer = execFileSync("openssl", ["dgst", "-sha256", "-verify", key, "-signature", signature, statement], {
      encoding: "utf8",
    }).trim();
    this.#checks.check("openssl, which knows nothing of abcast, agrees on a receipt", answer === "Verified OK", answer);
  }
}

function digestOf(states: readonly PartyStatus[]): string {
  const [first] = states;
  return `${first?.sequence ?? 0} entries, digest ${first?.logDigest?.slice(0, 16) ?? "unknown"}`;
}

function accusationsOf(states: readonly PartyStatus[], faults: readonly string[]): readonly string[] {
  return states.flatMap(({ party: by, accusations }) =>
    accusations
      .filter(({ party, fault }) => party === CORRUPTED && faults.includes(fault))
      .map(({ fault, count }) => `replica ${by}: ${fault} × ${count}`),
  );
}

/** Plays on `stage` and reports; cleans nothing up. */
export function playDemo(stage: Stage, options: DemoOptions): Promise<DemoReport> {
  return new Demo(stage, options).play(options.keep);
}
