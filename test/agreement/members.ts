/** Four parties of which one may be corrupted, with the simulator's stand-in for cryptography. */
import { type Links, type Party, type PartyOptions, createParty } from "../../src/agreement/index.js";
import { fromUtf8, utf8 } from "../../src/core/bytes.js";
import { thresholdGroup } from "../../src/core/group.js";
import type { PartyId } from "../../src/core/party-set.js";
import { mockSuite } from "../../src/sim/mock-suite.js";

export const N = 4;
export const GROUP = thresholdGroup({ n: N, byzantine: 1 });
export const CLUSTER = new Uint8Array(32).fill(7);

export interface Member {
  readonly party: Party;
  /** What was reported to its caller. */
  readonly errors: { readonly error: unknown; readonly tag: string }[];
}

export function member(self: PartyId, links: Links, options: Partial<PartyOptions> = {}): Member {
  const errors: Member["errors"] = [];
  const suite = mockSuite(GROUP, self, 1);
  const onError = (error: unknown, tag: string): void => void errors.push({ error, tag });
  return { party: createParty({ self, group: GROUP, suite, cluster: CLUSTER, links, onError, ...options }), errors };
}

/** Those of `links`, from the first on. */
export function members(links: readonly Links[], options: Partial<PartyOptions> = {}): readonly Member[] {
  return links.map((own, self) => member(self, own, options));
}

/** `array[index]`, which must be there. */
export function at<T>(array: readonly T[], index: number): T {
  const item = array[index];
  if (item === undefined) throw new Error(`nothing at ${index} of ${array.length}`);
  return item;
}

export const valueOf = ({ value }: { readonly value: Uint8Array }): string => fromUtf8(value);

/** What a proposal may be in most tests: something to eat. */
export const isDish = (value: Uint8Array): boolean => fromUtf8(value).startsWith("dish: ");
export const dish = (name: string | number): Uint8Array => utf8(`dish: ${name}`);

/** Resolves when everything in flight between members has been delivered: each delivery is one turn. */
export async function quiet(turns = 100): Promise<void> {
  for (let turn = 0; turn < turns; turn++) await new Promise((resume) => setTimeout(resume, 0));
}
