/** What the cluster's name stands for, of certificates: the keys in them. The rest is in test/cli/init.test.ts. */
import { randomBytes } from "node:crypto";
import { expect, test } from "vitest";
import type { OwnIdentity } from "../../src/cli/new-cluster.js";
import { createTlsIdentity, renewTlsCertificate } from "../../src/crypto/index.js";
import type { ClusterPublic } from "../../src/replica/config.js";
import { clusterId } from "../../src/replica/config-cluster-id.js";
import { smallCluster } from "../support/small-cluster.js";

const { cluster, own, clients } = await smallCluster();

const withParty = (index: number, certificate: string, of = cluster): ClusterPublic => {
  const parties = of.parties.map((entry) => (entry.party === index ? { ...entry, certificate } : entry));
  return { ...of, parties };
};
const withParties = (certificates: readonly string[]): ClusterPublic =>
  certificates.reduce((changed, certificate, index) => withParty(index, certificate, changed), cluster);
const withClient = (certificate: string): ClusterPublic => {
  const clients = cluster.clients.map((entry) => (entry.client === 0 ? { ...entry, certificate } : entry));
  return { ...cluster, clients };
};
const certificateOf = (entries: readonly { readonly certificate: string }[], index: number): string =>
  entries[index]?.certificate ?? "";
const keyOf = (own: OwnIdentity | undefined): string => own?.tlsPrivateKey ?? "";

test("another certificate of the same key leaves the name as it is, of a party and of a client", async () => {
  const validity = { notBefore: new Date("2026-01-01"), notAfter: new Date("2027-01-01") };
  const before = certificateOf(cluster.parties, 2);
  const party = await renewTlsCertificate({ certificatePem: before, privateKeyPem: keyOf(own[2]), validity });
  expect(party).not.toBe(before);
  expect(clusterId(withParty(2, party))).toEqual(cluster.cluster);
  const client = await renewTlsCertificate({
    certificatePem: certificateOf(cluster.clients, 0),
    privateKeyPem: clients[0]?.tlsPrivateKey ?? "",
    names: ["a.example"],
  });
  expect(clusterId(withClient(client))).toEqual(cluster.cluster);
});

test("another key is another cluster, also under the same subject, or when two parties change places", async () => {
  const namesake = (await createTlsIdentity("party-2")).certificatePem;
  const other = (await createTlsIdentity("client-0")).certificatePem;
  const swapped = [1, 0, 2, 3].map((index) => certificateOf(cluster.parties, index));
  const names = [cluster, withParty(2, namesake), withClient(other), withParties(swapped)].map((one) =>
    Buffer.from(clusterId(one)).toString("hex"),
  );
  expect(new Set(names).size).toBe(4);
});

test("a name is of one salt", () => {
  expect(clusterId({ ...cluster, salt: new Uint8Array(randomBytes(32)) })).not.toEqual(cluster.cluster);
});
