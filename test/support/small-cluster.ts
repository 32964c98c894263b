/** The data of a cluster of four with one client, in a moment: of primes that everybody knows, on no ports. */
import { thresholdGroup } from "../../src/core/group.js";
import { assembleCluster, createMember, type OwnIdentity } from "../../src/cli/new-cluster.js";
import { deal } from "../../src/crypto/index.js";
import type { ClientConfig, ClusterPublic } from "../../src/replica/config.js";
import { PRIMES } from "../crypto/dealt.js";

export async function smallCluster(): Promise<{
  readonly cluster: ClusterPublic;
  readonly own: readonly OwnIdentity[];
  readonly clients: readonly ClientConfig[];
}> {
  const made = await Promise.all(
    [0, 1, 2, 3].map((party) =>
      createMember(
        { name: `p${party}`, host: "127.0.0.1", port: 7400 + party, httpPort: 7480 + party },
        `party-${party}`,
      ),
    ),
  );
  const { public: cluster, clients } = await assembleCluster({
    adversary: { byzantine: { kind: "threshold", max: 1 }, crash: { kind: "threshold", max: 0 } },
    members: made.map(({ member }) => member),
    clientCount: 1,
    channel: {
      c: 3,
      order: "fixed",
      delivery: "full",
      parallel: 1,
      dissemination: "inline",
      services: ["kv"],
      checkpointInterval: 32,
    },
    dealing: await deal({ group: thresholdGroup({ n: 4, byzantine: 1 }), rsaBits: 2048, primes: PRIMES }),
  });
  return { cluster, own: made.map(({ own }) => own), clients };
}
