/** Threads run what is built, so these tests do too. */
import { spawnSync } from "node:child_process";
import { afterAll, describe, expect, test } from "vitest";
import { utf8 } from "../../../src/core/bytes.js";
import { createRsaScheme, createRsaSharer } from "../../../src/crypto/rsa/threshold.js";
import type { RsaWorkers, RsaWorkersOptions } from "../../../src/crypto/rsa/workers.js";
import { PROTOCOL_1, flipBit, sharesOf } from "../fixtures.js";

const BUILT = new URL("../../../dist/crypto/rsa/workers.js", import.meta.url);
const { createRsaWorkers }: { createRsaWorkers: (options: RsaWorkersOptions) => RsaWorkers } = await import(BUILT.href);

const { publicKey } = PROTOCOL_1;
const secretOf = (party: number): Uint8Array => PROTOCOL_1.secretOf(party);
const scheme = createRsaScheme(publicKey);
const sharer = (party: number) => createRsaSharer(publicKey, party, secretOf(party));
const opened: RsaWorkers[] = [];
afterAll(() => Promise.all(opened.map((workers) => workers.close())));

function open(options: Partial<RsaWorkersOptions> = {}): RsaWorkers {
  const workers = createRsaWorkers({ publicKey, party: 1, secret: secretOf(1), ...options });
  opened.push(workers);
  return workers;
}

describe("RSA workers", () => {
  const message = utf8("message");

  test("do what the sharer and the scheme do", async () => {
    const workers = open({ threads: 2 });
    const [share, proven] = await Promise.all([workers.share(message), workers.prove(message)]);
    expect(share).toEqual(sharer(1).share(message));
    expect(proven).toEqual(sharer(1).prove(message));
    const shares = sharesOf([0, 2], (party) => sharer(party).share(message));
    const value = scheme.combine(message, shares);
    expect(await workers.combine(message, shares)).toEqual({ kind: "combined", value, faulty: new Map() });
  });

  test("combine robustly, whatever others sent", async () => {
    const workers = createRsaWorkers({ publicKey });
    opened.push(workers);
    const good = sharesOf([0, 1], (party) => sharer(party).prove(message));
    const shares = new Map([...good, [3, flipBit(sharer(3).prove(message), 100)], [7, utf8("?")]]);
    shares.set(0, new Uint8Array());
    expect(await workers.combine(message, shares)).toMatchObject({ kind: "insufficient", unproven: [] });
    const combination = await workers.combine(message, shares.set(2, sharer(2).prove(message)));
    expect(combination.kind).toBe("combined");
    expect([...combination.faulty.keys()]).toContain(7);
  });

  test("start tasks in the order in which they came, one at a time on a thread", async () => {
    const workers = open();
    const done: string[] = [];
    const names = ["a", "b", "c", "d", "e"];
    await Promise.all(
      names.map(async (name, i) => {
        await (i % 2 === 0 ? workers.prove(utf8(name)) : workers.share(utf8(name)));
        done.push(name);
      }),
    );
    expect(done).toEqual(names);
  });

  test("leave the event loop free", async () => {
    const workers = open();
    await workers.share(message);
    const shares = sharesOf([0, 1, 2, 3], (party) => sharer(party).prove(utf8("another message")));
    // What is computed in the call itself, or in microtasks after it, is there before the loop has turned once.
    let hasTurned = false;
    setImmediate(() => (hasTurned = true));
    const combination = await workers.combine(message, shares);
    expect(hasTurned).toBe(true);
    expect(combination.faulty.size).toBe(4);
  });

  test("fail the task of a thread that dies, and go on with another thread", async () => {
    const workers = open();
    const before = workers.share(message);
    const share: (message: never) => Promise<unknown> = (message) => workers.share(message);
    const deadly: Promise<unknown> = Reflect.apply(share, undefined, [5]);
    const after = workers.share(message);
    await expect(deadly).rejects.toThrow(/^the RSA worker died: /);
    expect(await before).toEqual(await after);
    expect(await workers.share(message)).toEqual(await before);
  });

  test("fail each task when no thread can open the key, and end", async () => {
    const workers = open({ secret: secretOf(2) });
    for (let time = 0; time < 2; time++)
      await expect(workers.share(message)).rejects.toThrow(
        "the RSA worker died: RSA: the secret key is not that of party 1",
      );
  });

  test("have no shares without a secret", async () => {
    const workers = createRsaWorkers({ publicKey });
    await expect(workers.share(message)).rejects.toThrow("no secret key");
    await workers.close();
  });

  test("reject what is not done when they are closed, and what comes after", async () => {
    const workers = open();
    const tasks = [workers.share(message), workers.prove(message), workers.share(message)];
    const outcomes = Promise.allSettled(tasks);
    await workers.close();
    for (const outcome of await outcomes)
      expect(outcome).toMatchObject({
        status: "rejected",
        reason: { name: "RsaWorkerError", message: "the RSA workers were closed" },
      });
    await expect(workers.share(message)).rejects.toThrow("closed");
    await workers.close();
  });

  test("keep their own copy of the secret", async () => {
    const secret = secretOf(1);
    const copy = Uint8Array.from(secret);
    const workers = open({ secret: copy });
    copy.fill(0);
    expect(await workers.share(message)).toEqual(sharer(1).share(message));
  });

  test.each([{ threads: 0 }, { threads: 1.5 }, { threads: Number.NaN }])("refuse %o", (options) => {
    expect(() => createRsaWorkers({ publicKey, ...options })).toThrow(RangeError);
  });

  test("refuse a party without a secret, and the reverse", () => {
    expect(() => createRsaWorkers({ publicKey, party: 1 })).toThrow(RangeError);
    expect(() => createRsaWorkers({ publicKey, secret: secretOf(1) })).toThrow(RangeError);
  });
});

test("idle workers let the process end; those with a task do not", () => {
  const script = `
    import { createRsaWorkers } from ${JSON.stringify(BUILT.href)};
    const hex = ${JSON.stringify(JSON.stringify(publicKey, (_key, value: unknown) => (value instanceof Uint8Array ? { hex: Buffer.from(value).toString("hex") } : value)))};
    const publicKey = JSON.parse(hex, (_key, value) => (value?.hex === undefined ? value : Uint8Array.from(Buffer.from(value.hex, "hex"))));
    const workers = createRsaWorkers({ publicKey });
    void workers.combine(new Uint8Array(), new Map()).then(({ kind }) => console.log(kind));
  `;
  const { status, stdout, stderr } = spawnSync(process.execPath, ["--input-type=module", "-e", script], {
    encoding: "utf8",
  });
  expect({ status, stdout, stderr }).toEqual({ status: 0, stdout: "insufficient\n", stderr: "" });
});
