/**
 * The token key's first certificate (RFC 3161, section 2.3), and a request for one (PKCS #10, RFC 2986) for who wants an authority's instead.
 * Both are signed by the key itself: the dealer has enough shares of it for a moment.
 */
import { randomBytes } from "node:crypto";
import { utf8 } from "../core/bytes.js";
import {
  bitString,
  constructed,
  der,
  integer,
  namedBit,
  NULL,
  octetString,
  oid,
  sequence,
  setOf,
  TAG,
  TRUE,
  unsigned,
  utf8String,
} from "../core/der.js";
import { PartySet } from "../core/party-set.js";
import { combineRobustly, createRsaScheme, createRsaSharer } from "../crypto/index.js";
import type { RsaSecretKeys, SharedPublicKeys } from "../crypto/keys.js";
import { EXTENDED_KEY_USAGE, KEY_USAGE, TIME_STAMPING } from "../services/tsa/index.js";
import { tokenKeySpki } from "./receipt-key.js";

const COMMON_NAME = oid("2.5.4.3");
const BASIC_CONSTRAINTS = oid("2.5.29.19");
const EXTENSION_REQUEST = oid("1.2.840.113549.1.9.14");
const SHA256_WITH_RSA = sequence(oid("1.2.840.113549.1.1.11"), NULL);
const UTC_TIME = 0x17;
/** Nothing depends on a date: as for the parties' own certificates. */
const VALIDITY = sequence(der(UTC_TIME, utf8("000101000000Z")), der(TAG.generalizedTime, utf8("99991231235959Z")));

const EXTENSIONS = sequence(
  ...[
    [BASIC_CONSTRAINTS, sequence()],
    [KEY_USAGE, namedBit(0)],
    [EXTENDED_KEY_USAGE, sequence(TIME_STAMPING)],
  ].map(([id = NULL, value = NULL]) => sequence(id, TRUE, octetString(value))),
);

export interface TsaCertificate {
  /** Self-signed. */
  readonly certificatePem: string;
  /** A certificate signing request. */
  readonly requestPem: string;
}

/** The token key, and the parties' shares of it. */
interface TokenDealing {
  readonly publicKeys: Pick<SharedPublicKeys, "token">;
  readonly secretKeys: readonly Pick<RsaSecretKeys, "token">[];
}

export function createTsaCertificate(commonName: string, dealing: TokenDealing): TsaCertificate {
  const publicKey = tokenKeySpki({ keys: dealing.publicKeys });
  const name = sequence(setOf([sequence(COMMON_NAME, utf8String(commonName))]));
  const signed = (content: Uint8Array): Uint8Array =>
    sequence(content, SHA256_WITH_RSA, bitString(groupSignature(dealing, content)));
  const certificate = sequence(
    der(constructed(0), integer(2)),
    unsigned(randomBytes(16)),
    SHA256_WITH_RSA,
    name,
    VALIDITY,
    name,
    publicKey,
    der(constructed(3), EXTENSIONS),
  );
  const attributes = setOf([sequence(EXTENSION_REQUEST, setOf([EXTENSIONS]))], constructed(0));
  return {
    certificatePem: pem("CERTIFICATE", signed(certificate)),
    requestPem: pem("CERTIFICATE REQUEST", signed(sequence(integer(0), name, publicKey, attributes))),
  };
}

/** As the parties make it together. */
function groupSignature({ publicKeys, secretKeys }: TokenDealing, message: Uint8Array): Uint8Array {
  const scheme = createRsaScheme(publicKeys.token);
  const shares = new Map<number, Uint8Array>();
  for (const [party, { token }] of secretKeys.entries()) {
    if (scheme.sharing.isQualified(PartySet.of(shares.keys()))) break;
    const sharer = createRsaSharer(publicKeys.token, party, token);
    shares.set(party, sharer.share(message));
    sharer.destroy();
  }
  const combination = combineRobustly(scheme, message, shares);
  if (combination.kind !== "combined") throw new Error("the dealer's own shares make no signature");
  return combination.value;
}

export function pem(label: string, bytes: Uint8Array): string {
  const lines = Buffer.from(bytes)
    .toString("base64")
    .replace(/.{1,64}/g, "$&\n");
  return `-----BEGIN ${label}-----\n${lines}-----END ${label}-----\n`;
}
