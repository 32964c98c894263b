import { existsSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { registerEvidence } from "../../src/cli/commands/evidence.js";
import type { RegisterCommand } from "../../src/cli/commands.js";
import { run } from "../../src/cli/program.js";
import { toHex, utf8 } from "../../src/core/bytes.js";
import { encode } from "../../src/core/codec.js";
import { statement } from "../../src/core/engine.js";
import { type Evidence, evidenceCodec } from "../../src/core/evidence.js";
import { signedBytes } from "../../src/crypto/ed25519/party-signatures.js";
import { ENDORSEMENT_DOMAINS } from "../../src/crypto/endorsements.js";
import { createEd25519Signer } from "../../src/crypto/index.js";
import { entryBody } from "../../src/protocols/atomic-broadcast/messages.js";
import { voteBody } from "../../src/protocols/binary-agreement/messages.js";
import type { ClusterPublic } from "../../src/replica/config.js";
import { formatFile, publicSchema } from "../../src/replica/config.js";
import { loadParty, loadPublic } from "../../src/replica/config-files.js";
import { formatEvidence } from "../../src/replica/evidence-file.js";
import type { Storage } from "../../src/replica/storage.js";
import { otherCluster } from "./other-cluster.js";
import { lastingDirectory, runCli, runInit, temporaryDirectory } from "./run-cli.js";

const work = lastingDirectory();
const directory = join(work.path, "cluster");
const shared = join(directory, "public.json");
let cluster: ClusterPublic;
let votes: Evidence;
let entries: Evidence;
afterAll(() => work.remove());

/** What party 2 signs. */
async function pair(
  evidence: Pick<Evidence, "as" | "tag" | "purpose">,
  first: Uint8Array,
  second: Uint8Array,
): Promise<Evidence> {
  const { keys } = await loadParty(join(directory, "party-2"));
  const signer = createEd25519Signer(keys.signing);
  const sign = (body: Uint8Array): Evidence["first"] => {
    const covered = statement(cluster.cluster, evidence.tag, evidence.purpose, body);
    return { body, signature: signer.sign(signedBytes(ENDORSEMENT_DOMAINS[evidence.as], covered)) };
  };
  return { party: 2, ...evidence, first: sign(first), second: sign(second) };
}

beforeAll(async () => {
  expect((await runInit("--n", "4", "--out", directory)).code).toBe(0);
  cluster = await loadPublic(shared);
  const aba = { as: "quorum", tag: "notary/7/mvba/aba/1", purpose: "main-vote" } as const;
  votes = await pair(aba, voteBody(3, 1), voteBody(3, 2));
  const queue = { as: "signature", tag: "notary/9", purpose: "queue" } as const;
  entries = await pair(
    queue,
    entryBody({ clock: 1, payloads: [utf8("a")] }),
    entryBody({ clock: 1, payloads: [utf8("b".repeat(100))] }),
  );
});

/** A file with `changes` made to what is written about `evidence`. */
function fileOf(evidence: Evidence, changes: object = {}): string {
  const path = join(temporaryDirectory(), "evidence.json");
  const content = JSON.parse(formatEvidence(cluster.cluster, evidence)) as object;
  writeFileSync(path, JSON.stringify({ ...content, ...changes }));
  return path;
}

const verify = (path: string, ...more: readonly string[]) =>
  runCli(["evidence", "verify", path, "--public", shared, ...more]);

describe("abcast evidence verify", () => {
  it("says who did what", async () => {
    const { code, stdout, stderr } = await verify(fileOf(votes));
    expect([code, stderr]).toEqual([0, ""]);
    expect(stdout).toContain(`valid: party 2 (${cluster.parties[2]?.name ?? ""}) of cluster ${toHex(cluster.cluster)}`);
    expect(stdout).toContain(
      'guilty of double-vote: it signed two statements for one "main-vote" in notary/7/mvba/aba/1',
    );
    expect(stdout).toContain("  5 bytes  0000000301\n  5 bytes  0000000302\n");
    const json = await verify(fileOf(entries), "--json");
    expect([json.code, json.stderr]).toEqual([0, ""]);
    expect(JSON.parse(json.stdout)).toEqual({
      valid: true,
      party: 2,
      fault: "equivocation",
      tag: "notary/9",
      purpose: "queue",
      cluster: toHex(cluster.cluster),
    });
  });

  it("refuses what proves nothing, with the reason and exit code 1", async () => {
    const { first } = votes;
    const shown = JSON.parse(formatEvidence(cluster.cluster, votes)) as { statements: readonly object[] };
    const cases: readonly (readonly [string, string])[] = [
      [fileOf(votes, { party: 1 }), "not signed by party 1"],
      [fileOf(votes, { party: 63 }), "not signed by party 63"],
      [fileOf(votes, { tag: "notary/8/mvba/aba/1" }), "not signed by party 2"],
      [fileOf(votes, { scheme: "signature" }), "an honest party may sign both"],
      [fileOf(votes, { purpose: "pre-vote" }), "an honest party may sign both"],
      [fileOf(votes, { statements: [shown.statements[0], shown.statements[0]] }), "an honest party may sign both"],
      [fileOf({ ...votes, second: { ...first, body: voteBody(4, 1) } }), "an honest party may sign both"],
      [fileOf({ ...votes, second: { ...first, body: voteBody(3, 0) } }), "the second statement is not signed"],
      [fileOf(votes, { fault: "equivocation" }), "such statements prove double-vote, not equivocation"],
      [fileOf(votes, { cluster: "00".repeat(32) }), `it is about cluster ${"00".repeat(32)}`],
    ];
    for (const [path, reason] of cases) {
      const { code, stdout, stderr } = await verify(path, "--json");
      expect([code, stderr], reason).toEqual([1, ""]);
      expect(JSON.parse(stdout)).toMatchObject({ valid: false, reason: expect.stringContaining(reason) as string });
    }
    const plain = await verify(fileOf(votes, { party: 1 }));
    expect([plain.code, plain.stderr]).toEqual([1, ""]);
    expect(plain.stdout).toMatch(/^invalid: .*not signed by party 1/);
  });

  it("does not take the keys of another cluster", async () => {
    const other = join(temporaryDirectory(), "public.json");
    writeFileSync(other, formatFile(publicSchema, await otherCluster(cluster)));
    const { code, stdout } = await runCli(["evidence", "verify", fileOf(votes), "--public", other]);
    expect(code).toBe(1);
    expect(stdout).toContain(`invalid: it is about cluster ${toHex(cluster.cluster)}`);
  });

  it("names the file and the field of what it cannot read, with exit code 2", async () => {
    const cases: readonly (readonly [string, string])[] = [
      [fileOf(votes, { format: "abcast-evidence/2" }), "format"],
      [fileOf(votes, { colour: "red" }), "unknown field"],
      [fileOf(votes, { party: -1 }), "must be a whole number from 0"],
      [fileOf(votes, { tag: "no tag" }), "must be the tag of an instance"],
      [fileOf(votes, { scheme: "coin" }), "scheme"],
      [fileOf(votes, { statements: [] }), "statements"],
      [shared, "this is a cluster's public file, public.json; needed is evidence of a party's misbehaviour"],
      ["/nowhere/evidence.json", "no such file"],
    ];
    for (const [path, problem] of cases) {
      const { code, stdout, stderr } = await verify(path);
      expect([code, stdout], problem).toEqual([2, ""]);
      expect(stderr).toContain(path);
      expect(stderr).toContain(problem);
    }
  });
});

describe("abcast evidence DIR", () => {
  /** The command with a storage that has `kept`. */
  async function list(kept: readonly Evidence[], ...args: readonly string[]) {
    const [out, err]: [string[], string[]] = [[], []];
    const spies = [
      vi.spyOn(process.stdout, "write").mockImplementation((text) => out.push(String(text)) > 0),
      vi.spyOn(process.stderr, "write").mockImplementation((text) => err.push(String(text)) > 0),
    ];
    const values = new Map(kept.map((one, index) => [`evidence/2/${index}`, encode(evidenceCodec, one)]));
    const close = vi.fn<() => Promise<void>>(() => Promise.resolve());
    const open = (): Pick<Storage, "meta" | "close"> => ({ meta: (name) => values.get(name), close });
    const evidence: RegisterCommand = (program) => registerEvidence(program, open);
    try {
      const code = await run(["node", "abcast", "evidence", ...args], { evidence: () => Promise.resolve(evidence) });
      return { code, stdout: out.join(""), stderr: err.join(""), close };
    } finally {
      for (const spy of spies) spy.mockRestore();
    }
  }
  const party = join(directory, "party-0");

  it("lists what is kept, and closes the store", async () => {
    const { code, stdout, close } = await list([votes, entries], party);
    expect(code).toBe(0);
    expect(stdout).toBe(
      'party 2  double-vote  two of "main-vote" in notary/7/mvba/aba/1\nparty 2  equivocation  two of "queue" in notary/9\n',
    );
    expect(close).toHaveBeenCalledOnce();
    expect((await list([], party)).stdout).toBe("no evidence is kept\n");
    expect(JSON.parse((await list([entries], party, "--json")).stdout)).toEqual({
      evidence: [{ party: 2, fault: "equivocation", tag: "notary/9", purpose: "queue" }],
    });
  });

  it("writes files that verify, and overwrites none", async () => {
    const out = join(temporaryDirectory(), "evidence");
    const { code, stdout } = await list([votes, entries], party, "--out", out);
    expect(code).toBe(0);
    const files = [join(out, "party-2-0.json"), join(out, "party-2-1.json")];
    for (const file of files) {
      expect(stdout).toContain(file);
      expect((await verify(file)).code).toBe(0);
    }
    const before = readFileSync(files[0] ?? "", "utf8");
    const again = await list([entries, votes, entries], party, "--out", out);
    expect([again.code, again.stdout]).toEqual([2, ""]);
    expect(again.stderr).toContain(`${files[0] ?? ""}: exists already`);
    expect(readFileSync(files[0] ?? "", "utf8")).toBe(before);
    expect(readdirSync(out)).toHaveLength(2);
  });

  it("says that a mistyped directory is no party's", async () => {
    const { code, stderr } = await list([], join(directory, "party-9"), "--out", join(work.path, "none"));
    expect(code).toBe(2);
    expect(stderr).toContain("party-9");
    expect(existsSync(join(work.path, "none"))).toBe(false);
  });
});
