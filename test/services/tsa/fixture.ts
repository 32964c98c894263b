/** A time-stamping authority with a key of fixed primes, and what is asked of it. */
import { X509Certificate } from "node:crypto";
import { sequence, integer, oid, octetString, NULL, TRUE, utf8String } from "../../../src/core/der.js";
import { thresholdGroup } from "../../../src/core/group.js";
import { createTsaCertificate } from "../../../src/cli/tsa-certificate.js";
import { tokenKeySpki } from "../../../src/cli/receipt-key.js";
import type { ApplyContext, Service } from "../../../src/services/service.js";
import {
  createTsa,
  decodeTsaReply,
  encodeTsaOperation,
  type TsaOperation,
  type TsaOptions,
  type TsaReply,
} from "../../../src/services/tsa/index.js";
import { sha256 } from "../../client/receipt-parties.js";
import { PROTOCOL_1 } from "../../crypto/fixtures.js";

export const POLICY = "1.3.6.1.4.1.32473.1";
export const SHA256 = "2.16.840.1.101.3.4.2.1";
export const GROUP = thresholdGroup({ n: 4, byzantine: 1 });

const DEALING = {
  publicKeys: { token: PROTOCOL_1.publicKey },
  secretKeys: GROUP.parties.map((party) => ({ token: PROTOCOL_1.secretOf(party) })),
};
export const TOKEN_KEY = tokenKeySpki({ keys: { token: PROTOCOL_1.publicKey } });

export function certificate(name = "tests"): Uint8Array {
  return new Uint8Array(new X509Certificate(certificatePem(name)).raw);
}

function certificatePem(name: string): string {
  return createTsaCertificate(name, DEALING).certificatePem;
}

export const { certificatePem: CERTIFICATE_PEM, requestPem: REQUEST_PEM } = createTsaCertificate("tests", DEALING);
const CHAIN = [new Uint8Array(new X509Certificate(CERTIFICATE_PEM).raw)];

/** A client's key by its number; the first four are the parties'. */
export const key = (client: number): Uint8Array => new Uint8Array(32).fill(client);

export function createTestTsa(changes: Partial<TsaOptions> = {}): Service {
  return createTsa({
    group: GROUP,
    hash: sha256,
    tokenKey: TOKEN_KEY,
    policy: POLICY,
    accuracyMs: 1500,
    chain: CHAIN,
    partyOf: (client) => (client[0] !== undefined && client[0] < 4 ? client[0] : undefined),
    ...changes,
  });
}

export interface RequestFields {
  readonly version?: number;
  readonly algorithm?: string;
  /** Absent, NULL or something else. */
  readonly parameters?: readonly Uint8Array[];
  readonly digest?: Uint8Array;
  readonly policy?: string;
  readonly nonce?: number | bigint;
  readonly certReq?: boolean;
  readonly more?: readonly Uint8Array[];
}

export const DIGEST = sha256(new TextEncoder().encode("a document"));

/** TimeStampReq. */
export function requestOf(fields: RequestFields = {}): Uint8Array {
  const {
    version = 1,
    algorithm = SHA256,
    parameters = [NULL],
    digest = DIGEST,
    policy,
    nonce,
    certReq,
    more,
  } = fields;
  return sequence(
    integer(version),
    sequence(sequence(oid(algorithm), ...parameters), octetString(digest)),
    ...(policy === undefined ? [] : [oid(policy)]),
    ...(nonce === undefined ? [] : [integer(nonce)]),
    ...(certReq === true ? [TRUE] : []),
    ...(more ?? []),
  );
}

/** An extension of a request: none is known. */
export const EXTENSION = sequence(sequence(oid("1.2.3.4"), octetString(utf8String("x"))));

type Place = Pick<ApplyContext, "sequence"> & Partial<ApplyContext>;

/** Executes an operation at a place; its round is its sequence number, its time a second for each, unless given. */
export function apply(tsa: Service, place: Place, operation: TsaOperation): TsaReply {
  const { sequence: number } = place;
  const context = { index: 0, round: number, roundTimeMs: 1000 * number, client: key(9), ...place };
  const reply = decodeTsaReply(tsa.apply(context, encodeTsaOperation(operation)));
  if (!reply.ok) throw new Error(reply.error);
  return reply.value;
}

export type Token = Extract<TsaReply, { kind: "token" }>;

export function token(reply: TsaReply): Token {
  if (reply.kind !== "token") throw new Error(`no token but ${reply.kind}`);
  return reply;
}
