/** `npm run bench:crypto`: that it measures what it says, not how long that takes. */
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { z } from "zod";

const ROOT = join(import.meta.dirname, "../..");

const time = z.number().positive();
const figures = z.record(z.string(), time);
const reportSchema = z.strictObject({
  machine: z.strictObject({ cpu: z.string(), cores: z.number().int().positive(), node: z.string(), load: z.number() }),
  settings: z.strictObject({ n: z.array(z.number()), bits: z.number(), runs: z.number() }),
  operations: z.array(
    z.strictObject({
      scheme: z.string(),
      operation: z.string(),
      n: z.number().int().positive(),
      threshold: z.number().int().positive(),
      reference: z.string().nullable(),
      counted: z.boolean(),
      medianMs: time,
      minMs: time,
      ratio: time.nullable(),
      blockMs: time,
    }),
  ),
  rsa: z.strictObject({
    shareRatio: time,
    proveRatio: time,
    proofsMade: z.number(),
    proofsChecked: z.number(),
    combineMs: figures,
  }),
  bls: z.strictObject({ combineMs: figures }),
  coin: z.strictObject({ combineMs: figures }),
  maxBlockMs: time,
  worstBlock: z.string(),
  targets: z.array(
    z.strictObject({
      name: z.string(),
      atMost: z.number(),
      value: z.number().nullable(),
      ok: z.boolean().nullable(),
    }),
  ),
});

function runScript(...words: readonly string[]): string {
  const packageFile: unknown = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8"));
  const { scripts } = z.object({ scripts: z.object({ "bench:crypto": z.string() }) }).parse(packageFile);
  // As npm does it: the words come after the script's last command.
  return execFileSync("sh", ["-c", `${scripts["bench:crypto"]} "$@"`, "sh", ...words], {
    cwd: ROOT,
    encoding: "utf8",
    stdio: ["ignore", "pipe", "pipe"],
  });
}

describe("npm run bench:crypto", () => {
  test("--json: every scheme, its ratios to one signer, and no proof while all are honest", () => {
    const [json = "", ...rest] = runScript("--n", "4", "--runs", "1", "--json").split("\n");
    expect(rest).toEqual([""]);
    const { settings, operations, rsa, bls, coin, maxBlockMs, worstBlock, targets } = reportSchema.parse(
      JSON.parse(json),
    );
    expect(settings).toEqual({ n: [4], bits: 2048, runs: 1 });

    const measured = (scheme: string): string[] =>
      operations.filter((row) => row.scheme === scheme).map(({ operation }) => operation);
    const combining = ["combine", "combine, first parties", "combine robustly, 1 bad"];
    const dealing = ["deal", "open key", "share"];
    const workers = ["share", "prove", "combine", "combine robustly, 1 bad"].map((task) => `worker: ${task}`);
    const one = ["private exponentiation", "openssl sign (CRT)", "openssl verify"];
    const others = ["prove", "check proven share", "check signature", "combine (Protocol 2)"];
    expect(measured("rsa")).toEqual(expect.arrayContaining([...one, ...dealing, ...combining, ...workers, ...others]));
    for (const scheme of ["bls", "coin bls"]) {
      const shares = ["check share", "check shares, all at once"];
      expect(measured(scheme)).toEqual(expect.arrayContaining(["sign", "verify", ...dealing, ...shares, ...combining]));
    }
    expect(measured("bls")).toContain("check signature");
    expect(measured("coin dh")).toEqual(expect.arrayContaining([...dealing, "check share", ...combining]));
    const encryption = ["encrypt", "check ciphertext", "check share"];
    expect(measured("tdh2")).toEqual(expect.arrayContaining([...dealing, ...encryption, ...combining]));
    expect(measured("sharing")).toEqual(expect.arrayContaining(["deal", "terms"]));
    expect(measured("ed25519")).toEqual(["sign", "verify"]);
    expect(measured("sealed box")).toEqual(["seal", "open"]);
    expect(measured("passphrase")).toEqual(["encrypt", "decrypt"]);

    for (const { scheme, operation, reference, ratio, minMs, medianMs } of operations) {
      expect(minMs, operation).toBeLessThanOrEqual(medianMs);
      expect(ratio === null, operation).toBe(reference === null);
      if (reference !== null) expect(measured(scheme)).toContain(reference);
      if (reference === operation) expect(ratio).toBe(1);
    }
    expect(rsa).toMatchObject({ proofsMade: 0, proofsChecked: 0 });
    expect(Object.keys(rsa.combineMs)).toEqual(expect.arrayContaining(["2of4", "3of4 (Protocol 2)"]));
    expect(Object.keys(bls.combineMs)).toEqual(["3of4", "3of4, first parties"]);
    expect(Object.keys(coin.combineMs)).toEqual(expect.arrayContaining(["2of4", "3of4"]));

    const counted = operations.filter((row) => row.counted);
    expect(maxBlockMs).toBe(Math.max(...counted.map(({ blockMs }) => blockMs)));
    const worst = counted.filter(({ blockMs }) => blockMs === maxBlockMs);
    expect(worst.map(({ scheme, operation }) => `${scheme} ${operation}`)).toContain(worstBlock);
    // Threads do what takes long.
    expect(counted.map(({ scheme, operation }) => `${scheme} ${operation}`)).not.toContain(
      "rsa combine robustly, 1 bad",
    );
    // Those of other sizes are not measured, rather than met.
    expect(targets.map(({ ok }) => ok === null)).toEqual([false, false, false, true, true, true]);
  });

  test("refuses a size that it has no groups for, with the bounds", () => {
    expect(() => runScript("--n", "3")).toThrow(/--n takes numbers of 4\.\.64/);
    expect(() => runScript("--runs", "0")).toThrow(/--runs takes a positive number/);
  });
});
