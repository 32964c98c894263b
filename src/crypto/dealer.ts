/**
 * The trusted dealer: runs once, makes all keys of a cluster, and must then forget what it knew. Each use
 * has its own, independent key (docs/protocols.md section 3).
 */
import { randomBytes } from "node:crypto";
import { type Thresholds, thresholdGroup } from "../core/group.js";
import type { PartyId } from "../core/party-set.js";
import { SEED_BYTES, createEd25519Signer } from "./ed25519/ed25519.js";
import { KeyError } from "./errors.js";
import type { CoinPublicKey, PublicKeys, SecretKeys } from "./keys.js";
import { GROUP_ORDER, type Ristretto, loadRistretto, scalarToBytes } from "./ristretto/group.js";
import { type SafePrimes, checkSafePrimes, dealRsa, generateSafePrimes } from "./rsa/dealer.js";
import { MAX_RSA_BITS, MIN_RSA_BITS } from "./rsa/key.js";
import { randomBelow, shareSecret } from "./sharing/shamir.js";

/** How long the search for primes takes is a matter of luck: this shows that it lives, not how far it is. */
export interface DealProgress {
  readonly step: string;
  readonly elapsedMs: number;
}

const PROGRESS_INTERVAL_MS = 200;

export interface DealOptions extends Thresholds {
  /** Size of the receipt key, 2048..4096. */
  readonly rsaBits: number;
  /** Called when a step starts and at least every 250 ms while primes are searched. */
  readonly onProgress?: (progress: DealProgress) => void;
  /** Safe primes to use instead of new ones, for tests. */
  readonly primes?: SafePrimes;
}

export interface Dealing {
  readonly publicKeys: PublicKeys;
  /** Party i's at index i. */
  readonly secretKeys: SecretKeys[];
}

/**
 * @throws GroupError when the group cannot be defended.
 * @throws KeyError when the imported primes are unfit or `rsaBits` is outside its bounds.
 */
export async function deal(options: DealOptions): Promise<Dealing> {
  const { n, byzantine, crash = 0, rsaBits } = options;
  thresholdGroup({ n, byzantine, crash });
  checkRsaBits(rsaBits);
  const report = reporter(options.onProgress);

  report("signing keys and coins");
  const ristretto = await loadRistretto();
  const seeds = Array.from({ length: n }, () => new Uint8Array(randomBytes(SEED_BYTES)));
  const quorumCoin = dealCoin(ristretto, n, n - byzantine - crash);
  const honestCoin = dealCoin(ristretto, n, byzantine + 1);
  const primes = await obtainPrimes(options, report);
  report("receipt key");
  const receipt = dealRsa({ n, threshold: byzantine + 1, corrupted: byzantine, primes });

  return {
    publicKeys: {
      signing: seeds.map((seed) => createEd25519Signer(seed).publicKey),
      quorumCoin: quorumCoin.publicKey,
      honestCoin: honestCoin.publicKey,
      receipt: receipt.publicKey,
    },
    secretKeys: seeds.map((signing, party) => ({
      signing,
      quorumCoin: itemAt(quorumCoin.secrets, party),
      honestCoin: itemAt(honestCoin.secrets, party),
      receipt: itemAt(receipt.secrets, party),
    })),
  };
}

type Report = (step: string) => void;

function reporter(onProgress: DealOptions["onProgress"]): Report {
  const started = performance.now();
  return (step) => onProgress?.({ step, elapsedMs: performance.now() - started });
}

async function obtainPrimes({ rsaBits, primes }: DealOptions, report: Report): Promise<SafePrimes> {
  if (primes !== undefined) {
    await checkSafePrimes(primes, rsaBits);
    return primes;
  }
  return whileReporting(generateSafePrimes(rsaBits), () => report(`two safe primes of ${rsaBits / 2} bits`));
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

interface CoinDealing {
  readonly publicKey: CoinPublicKey;
  readonly secrets: readonly Uint8Array[];
}

function dealCoin(ristretto: Ristretto, n: number, threshold: number): CoinDealing {
  for (;;) {
    const shares = shareSecret({ secret: randomBelow(GROUP_ORDER), modulus: GROUP_ORDER, n, threshold });
    // Zero is no key: its public part would be the identity. Practically never happens.
    if (shares.includes(0n)) continue;
    const secrets = shares.map(scalarToBytes);
    return {
      publicKey: { threshold, verificationKeys: secrets.map((secret) => ristretto.basePower(secret)) },
      secrets,
    };
  }
}

function checkRsaBits(rsaBits: number): void {
  if (!Number.isInteger(rsaBits) || rsaBits % 2 !== 0 || rsaBits < MIN_RSA_BITS || rsaBits > MAX_RSA_BITS) {
    throw new KeyError(`RSA: ${rsaBits} bits are not an even number within ${MIN_RSA_BITS}..${MAX_RSA_BITS}`);
  }
}

function itemAt(secrets: readonly Uint8Array[], party: PartyId): Uint8Array {
  const secret = secrets[party];
  if (secret === undefined) throw new RangeError(`no secret for party ${party}`);
  return secret;
}
