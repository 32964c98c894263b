/**
 * The trusted dealer: runs once, makes the shared keys of a cluster, and must then forget what it knew. Each use
 * has its own, independent key (docs/CRYPTO.md). What parties can make themselves, they do: own-keys.ts.
 */
import { type Formula, isThresholdOf, thresholdFormula } from "../core/formula.js";
import type { Group } from "../core/group.js";
import { MAX_PARTIES, type PartyId } from "../core/party-set.js";
import { KeyError } from "./errors.js";
import type { Dealt, RsaPublicKey, RsaSecretKeys, SharedPublicKeys, SharedSecretKeys } from "./keys.js";
import { type ProtocolDealOptions, dealShared } from "./protocol-dealer.js";
import { type SafePrimes, checkSafePrimes, dealRsa, generateSafePrimes } from "./rsa/dealer.js";
import { MAX_RSA_BITS, MIN_RSA_BITS } from "./rsa/key.js";

/** How long the search for primes takes is a matter of luck: this shows that it lives, not how far it is. */
export interface DealProgress {
  readonly step: string;
  readonly elapsedMs: number;
}

const PROGRESS_INTERVAL_MS = 200;

/** Those of the two RSA keys. */
export interface DealPrimes {
  readonly receipt: SafePrimes;
  readonly token: SafePrimes;
}

export interface DealOptions extends ProtocolDealOptions {
  /** Size of the RSA keys, 2048..4096. */
  readonly rsaBits: number;
  /** RSA shares for so many parties that may join later. Only for groups with thresholds. Default 0. */
  readonly spare?: number;
  /** Called when a step starts and at least every 250 ms while primes are searched. */
  readonly onProgress?: (progress: DealProgress) => void;
  /** Safe primes to use instead of new ones, for tests. */
  readonly primes?: DealPrimes | undefined;
}

export interface Dealing {
  readonly publicKeys: SharedPublicKeys;
  /** Party i's at index i. */
  readonly secretKeys: readonly SharedSecretKeys[];
  /** Those of the parties n, n+1, … that may join later. */
  readonly spares: readonly RsaSecretKeys[];
}

/** @throws KeyError when the imported primes are unfit, `rsaBits` is outside its bounds, or spares are not possible. */
export async function deal(options: DealOptions): Promise<Dealing> {
  const { group, rsaBits, spare = 0, primes } = options;
  checkRsaBits(rsaBits);
  const rsaAccess = withSpares(group, spare);
  const report = reporter(options.onProgress);

  report("coins, certificates and encryption");
  const shared = await dealShared(options);
  const receipt = await dealRsaKey("receipt", rsaAccess, rsaBits, primes?.receipt, report);
  const token = await dealRsaKey("token", rsaAccess, rsaBits, primes?.token, report);
  const rsaSecretsOf = (party: PartyId): RsaSecretKeys => {
    return { receipt: receipt.secretOf(party), token: token.secretOf(party) };
  };

  return {
    publicKeys: { ...shared.publicKeys, receipt: receipt.publicKey, token: token.publicKey },
    secretKeys: group.parties.map((party) => ({ ...shared.secretKeysOf(party), ...rsaSecretsOf(party) })),
    spares: Array.from({ length: spare }, (_, index) => rsaSecretsOf(group.n + index)),
  };
}

/** An honest party stands behind each RSA signature, so Shoup's Protocol 1 will do. */
async function dealRsaKey(
  name: string,
  access: Formula,
  rsaBits: number,
  given: SafePrimes | undefined,
  report: Report,
): Promise<Dealt<RsaPublicKey>> {
  if (given !== undefined) await checkSafePrimes(given, rsaBits);
  const primes =
    given ??
    (await whileReporting(generateSafePrimes(rsaBits), () =>
      report(`two safe primes of ${rsaBits / 2} bits for the ${name} key`),
    ));
  report(`${name} key`);
  return dealRsa({ access, dual: false, primes });
}

/**
 * Who can make an RSA signature together, counting those who may join later: of n+spare parties as many as of n before.
 * @throws KeyError when the group has no thresholds, or would outgrow the largest group.
 */
export function withSpares({ n, access }: Group, spare: number): Formula {
  if (spare === 0) return access.honest;
  if (!Number.isInteger(spare) || spare < 0 || n + spare > MAX_PARTIES) {
    throw new KeyError(`${spare} spare shares: n=${n} leaves room for 0..${MAX_PARTIES - n}`);
  }
  const { honest } = access;
  if (typeof honest === "number" || !isThresholdOf(honest, n)) {
    throw new KeyError(
      "spare shares are for groups with a threshold: in another structure a new party has no place yet",
    );
  }
  return thresholdFormula(honest.threshold, n + spare);
}

type Report = (step: string) => void;

function reporter(onProgress: DealOptions["onProgress"]): Report {
  const started = performance.now();
  return (step) => onProgress?.({ step, elapsedMs: performance.now() - started });
}

/** Calls `report` at once and then again and again until `work` has ended, which gives the result. */
export async function whileReporting<T>(work: Promise<T>, report: () => void): Promise<T> {
  const timer = setInterval(report, PROGRESS_INTERVAL_MS);
  try {
    report();
    return await work;
  } finally {
    clearInterval(timer);
  }
}

function checkRsaBits(rsaBits: number): void {
  if (!Number.isInteger(rsaBits) || rsaBits % 2 !== 0 || rsaBits < MIN_RSA_BITS || rsaBits > MAX_RSA_BITS) {
    throw new KeyError(`RSA: ${rsaBits} bits are not an even number within ${MIN_RSA_BITS}..${MAX_RSA_BITS}`);
  }
}
