/** Registered keys by their names, for people. A name is what its sponsor let pass: it is always shown as such, in quotes. */
import type { Bidding, RegisteredKey } from "../client/index.js";
import { equalBytes, fromHex, toHex } from "../core/bytes.js";
import type { ClusterPublic } from "../replica/config.js";
import { InputError } from "../replica/input-error.js";

export type NameOf = (key: Uint8Array) => string;

/** A client as people call it. */
export function clientName({ clients }: Pick<ClusterPublic, "clients">, key: Uint8Array): string {
  const index = clients.findIndex(({ publicKey }) => equalBytes(publicKey, key));
  return index < 0 ? toHex(key) : `client ${index}`;
}

/** As people are told of clients and registered keys. */
export function namesOf(cluster: Pick<ClusterPublic, "clients">, keys: readonly RegisteredKey[]): NameOf {
  const names = new Map(keys.map(({ key, name }) => [toHex(key), name]));
  return (key) => {
    const name = names.get(toHex(key));
    return name === undefined ? clientName(cluster, key) : `${JSON.stringify(name)} (${clientName(cluster, key)})`;
  };
}

/** Those of the keys that are registered; nothing is asked where all are clients'. */
export async function registeredAmong(
  keys: readonly Uint8Array[],
  bidding: Pick<Bidding, "keys">,
  { clients }: Pick<ClusterPublic, "clients">,
  timeoutMs: number,
): Promise<readonly RegisteredKey[]> {
  const ofClients = new Set(clients.map(({ publicKey }) => toHex(publicKey)));
  const others = new Set(keys.map(toHex).filter((key) => !ofClients.has(key)));
  if (others.size === 0) return [];
  return (await bidding.keys({ timeoutMs })).filter(({ key }) => others.has(toHex(key)));
}

/** The keys that `--bidder` names, by their digits or by their names. @throws InputError when a name is none */
export async function keysNamed(
  texts: readonly string[],
  bidding: Pick<Bidding, "keys">,
  timeoutMs: number,
): Promise<readonly Uint8Array[]> {
  if (texts.every(isKey)) return texts.flatMap((text) => fromHex(text) ?? []);
  const registered = await bidding.keys({ timeoutMs });
  return texts.map((text) => {
    const key = isKey(text) ? fromHex(text) : registered.find(({ name }) => name === text)?.key;
    if (key !== undefined) return key;
    throw new InputError(
      { option: "--bidder" },
      `${JSON.stringify(text)} is no public key, 64 lower-case hexadecimal digits, and no registered key has this name (abcast auction keys)`,
    );
  });
}

function isKey(text: string): boolean {
  return fromHex(text)?.length === 32;
}
