/** Four parties with real keys over mutual TLS, each with its own listener, in one process. */
import { afterEach, expect, it } from "vitest";
import { LinksError, type Party, SuiteError, createParty, mvba } from "../../src/agreement/index.js";
import { type TlsLinks, tlsLinks } from "../../src/agreement/tls-links.js";
import { createSuite, createTlsIdentity, dealProtocolKeys } from "../../src/crypto/index.js";
import { CLUSTER, GROUP, at, dish, isDish, valueOf } from "./members.js";

const { publicKeys, secretKeysOf } = await dealProtocolKeys({ group: GROUP });
const suites = await Promise.all(
  GROUP.parties.map((self) => createSuite({ group: GROUP, self, publicKeys, secretKeys: secretKeysOf(self) })),
);
const identities = await Promise.all(GROUP.parties.map((party) => createTlsIdentity(`party-${party}`)));
const certificates = identities.map(({ certificatePem }) => certificatePem);
const lunch = mvba({ predicate: isDish });

const open: { close(): Promise<void> }[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((one) => one.close()));
});

async function listen(self: number, options: Partial<Parameters<typeof tlsLinks>[0]> = {}): Promise<TlsLinks> {
  const links = await tlsLinks({
    self,
    cluster: CLUSTER,
    identity: at(identities, self),
    certificates,
    listen: { host: "127.0.0.1", port: 0 },
    ...options,
  });
  open.push(links);
  return links;
}

function partyOf(self: number, links: TlsLinks): Party {
  const party = createParty({ self, group: GROUP, suite: at(suites, self), cluster: CLUSTER, links });
  open.push(party);
  return party;
}

const addressesOf = (links: readonly TlsLinks[]): { host: string; port: number }[] =>
  links.map(({ port }) => ({ host: "127.0.0.1", port }));

it("four parties agree over TLS, also one that connects late", async () => {
  const links = await Promise.all(GROUP.parties.map((self) => listen(self)));
  const parties = links.map((own, self) => partyOf(self, own));
  const addresses = addressesOf(links);
  for (const own of links.slice(0, 3)) own.connect(addresses);
  const runs = parties.map((party, self) => party.run("lunch", lunch, dish(self)));
  const decisions = await Promise.all(runs.slice(0, 3));
  // Party 3 has heard the others, and could not say anything yet.
  at(links, 3).connect(addresses);
  decisions.push(await at(runs, 3));
  expect(new Set(decisions.map(valueOf)).size).toBe(1);
  expect(parties.flatMap(({ accusations }) => accusations)).toEqual([]);
});

it("one that has no room for early messages gets them again", async () => {
  const links = await Promise.all(GROUP.parties.map((self) => listen(self)));
  const parties = links.map((own, self) => {
    const party = createParty({
      self,
      group: GROUP,
      suite: at(suites, self),
      cluster: CLUSTER,
      links: own,
      maxEarlyBytes: 0,
    });
    open.push(party);
    return party;
  });
  for (const own of links) own.connect(addressesOf(links));
  const decisions = await Promise.all(parties.slice(0, 3).map((party, self) => party.run("lunch", lunch, dish(self))));
  decisions.push(await at(parties, 3).run("lunch", lunch, dish(3)));
  expect(new Set(decisions.map(valueOf)).size).toBe(1);
});

it("links that nobody has opened yet lose nothing", async () => {
  const links = await Promise.all(GROUP.parties.map((self) => listen(self)));
  for (const own of links) own.connect(addressesOf(links));
  const runs = links.slice(0, 3).map((own, self) => partyOf(self, own).run("lunch", lunch, dish(self)));
  const decisions = await Promise.all(runs);
  // Time for connections to party 3, which must not be taken.
  await new Promise((resume) => setTimeout(resume, 200));
  decisions.push(await partyOf(3, at(links, 3)).run("lunch", lunch, dish(3)));
  expect(new Set(decisions.map(valueOf)).size).toBe(1);
});

it("a stranger is turned away, and so is a party of another cluster", async () => {
  const refused: string[] = [];
  const onLog = (message: string): void => void refused.push(message);
  const links = await Promise.all([0, 1, 2].map((self) => listen(self, { onLog })));
  // With the certificate of party 3, and with one that nobody has pinned.
  const foreign = await listen(3, { cluster: new Uint8Array(32) });
  const stranger = await listen(3, { identity: await createTlsIdentity("party-3") });
  const addresses = addressesOf([...links, foreign]);
  const parties = links.map((own, self) => partyOf(self, own));
  foreign.open({ onMessage: () => undefined, onFault: () => undefined });
  stranger.open({ onMessage: () => undefined, onFault: () => undefined });
  for (const own of [...links, foreign, stranger]) own.connect(addresses);
  const runs = parties.map((party, self) => party.run("lunch", lunch, dish(self)));
  expect(new Set((await Promise.all(runs)).map(valueOf)).size).toBe(1);
  const isDone = (): boolean =>
    parties.every(({ accusations }) => accusations.length > 0) &&
    refused.some((reason) => reason.includes("certificate"));
  while (!isDone()) await new Promise((resume) => setTimeout(resume, 10));
  for (const { accusations } of parties)
    expect(accusations).toEqual([expect.objectContaining({ party: 3, fault: "wrong-cluster", tag: undefined })]);
  expect(refused.join("\n")).toContain("certificate");
});

it("links are one party's", async () => {
  const links = await listen(0);
  partyOf(0, links);
  expect(() => partyOf(0, links)).toThrow(LinksError);
});

it("a party with another's keys is not made", async () => {
  const links = await listen(0);
  expect(() => createParty({ self: 0, group: GROUP, suite: at(suites, 1), cluster: CLUSTER, links })).toThrow(
    SuiteError,
  );
});

it("needs an address of everybody", async () => {
  const links = await listen(0);
  expect(() => links.connect(addressesOf([links, links]))).toThrow("no address of party 2");
});
