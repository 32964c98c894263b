import { describe, expect, it } from "vitest";
import { StaleStoreError } from "../../src/core/protocol.js";
import { describeFailure } from "../../src/cli/errors.js";
import { claimStore } from "../../src/replica/store-owner.js";

const CLUSTER = new Uint8Array(32).fill(7);

function store(): Parameters<typeof claimStore>[0] {
  const values = new Map<string, Uint8Array>();
  return {
    meta: (name) => values.get(name),
    setMeta: (name, value) => {
      if (value !== undefined) values.set(name, value);
      return Promise.resolve();
    },
  };
}

describe("a store", () => {
  it("belongs to the first who claims it, and to no other party or cluster", async () => {
    const claimed = store();
    expect(await claimStore(claimed, { cluster: CLUSTER, party: 1 })).toBeUndefined();
    expect(await claimStore(claimed, { cluster: CLUSTER, party: 1 })).toBeUndefined();
    expect(await claimStore(claimed, { cluster: CLUSTER, party: 2 })).toMatch(
      /^the store belongs to party 1 of cluster 0707.*, and this is party 2 of cluster 0707.*abcast rejoin/,
    );
    expect(await claimStore(claimed, { cluster: new Uint8Array(32), party: 1 })).toContain("belongs to party 1");
    expect(await claimStore(claimed, { cluster: CLUSTER, party: 1 })).toBeUndefined();
  });

  it("that is damaged there belongs to nobody", async () => {
    const damaged = store();
    await damaged.setMeta("owner", Uint8Array.of(1));
    expect(await claimStore(damaged, { cluster: CLUSTER, party: 1 })).toContain("belongs to nobody");
  });

  it("that is not the latest is the operator's affair, and no defect", () => {
    expect(describeFailure(new StaleStoreError("a peer shows more"))).toMatchObject({
      code: "input",
      exitCode: 2,
      message: expect.stringMatching(/^a peer shows more\. .*abcast rejoin/) as string,
    });
  });
});
