/** A receipt as a cluster makes it: shares of t+1 parties from a directory of `abcast init`, combined. */
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { createEd25519Signer } from "../../src/crypto/ed25519/ed25519.js";
import { createRsaScheme, createRsaSharer } from "../../src/crypto/rsa/threshold.js";
import { loadClient, loadParty, loadPublic } from "../../src/replica/config-files.js";
import { sha256 } from "../../src/cli/sha256.js";
import { createNotaryService, encodeNotaryOperation } from "../../src/services/notary/index.js";
import { formatReceipt, type Receipt, receiptOf } from "../../src/verify/index.js";

export interface MakeReceipt {
  /** A directory that `abcast init` made. */
  readonly cluster: string;
  /** The document's path. */
  readonly document: string;
  readonly sequence: number;
  readonly round: number;
  readonly timeMs: number | undefined;
  /** The parties whose shares are combined. */
  readonly parties: readonly number[];
}

/** Goes the whole way: validation, state machine, signature shares, combination. */
export async function makeReceipt({
  cluster,
  document,
  sequence,
  round,
  timeMs,
  parties,
}: MakeReceipt): Promise<Receipt> {
  const shared = await loadPublic(join(cluster, "public.json"));
  const client = await loadClient(join(cluster, "client-0.json"));
  const signer = createEd25519Signer(client.signing);
  const value = new Uint8Array(createHash("sha256").update(readFileSync(document)).digest());
  const notary = createNotaryService({ cluster: shared.cluster, hash: sha256 });
  const operation = encodeNotaryOperation({ algorithm: "sha256", value });
  if (notary.validate?.(operation) !== true) throw new Error("the notary refuses a correct digest");
  const context = { sequence, index: 0, round, roundTimeMs: timeMs, client: signer.publicKey };
  const statement = notary.apply(context, operation);

  const shares = new Map<number, Uint8Array>();
  for (const party of parties) {
    const { keys } = await loadParty(join(cluster, `party-${party}`));
    shares.set(party, createRsaSharer(shared.keys.receipt, party, keys.receipt).share(statement));
  }
  const signature = createRsaScheme(shared.keys.receipt).combine(statement, shares);
  const receipt = receiptOf(statement, signature);
  if (!receipt.ok) throw new Error(receipt.error);
  return receipt.value;
}

/** A receipt as JSON, for tests that change a field. */
export function receiptJson(receipt: Receipt): Record<string, unknown> {
  return Object.fromEntries(Object.entries(JSON.parse(formatReceipt(receipt)) as object));
}
