/** Connections and the certificates on them, with one check gone, each. */
const IDENTITY = "src/adapters/tls/identity.ts";
const DIALER = "src/adapters/tls/dialer.ts";
const LISTENER = "src/adapters/tls/listener.ts";
const CLUSTER_ID = "src/replica/config-cluster-id.ts";
const CERTIFICATES = "src/crypto/ed25519/tls-identity.ts";

const CONNECTIONS = ["test/adapters/tls.test.ts"];
const NAME = ["test/replica/config-cluster-id.test.ts"];
const RENEWAL = ["test/crypto/ed25519/tls-identity.test.ts"];

const mutant = (name, file, stage, search, replacement = "") => ({
  name: `tls: ${name}`,
  file,
  search,
  replacement,
  stages: [stage],
});

export const TLS_MUTANTS = [
  mutant("any key at the other end", DIALER, CONNECTIONS, "if (provedPin(socket) !== this.#pin)", "if (false)"),
  mutant(
    "an unknown key taken for the first peer's",
    LISTENER,
    CONNECTIONS,
    "this.#peers.get(pin);",
    "this.#peers.get(pin) ?? [...this.#peers.values()][0];",
  ),
  mutant(
    "who shows no certificate taken for the first peer",
    LISTENER,
    CONNECTIONS,
    'if (pin === undefined) return refuse("no certificate"); const peer = this.#peers.get(pin);',
    "const peer = pin === undefined ? [...this.#peers.values()][0] : this.#peers.get(pin);",
  ),
  mutant("two peers with one key", LISTENER, CONNECTIONS, "if (peers.has(digest)) throw", "if (false) throw"),
  mutant(
    "a peer known by its certificate",
    IDENTITY,
    CONNECTIONS,
    "toHex(tlsKeyDigest(certificate))",
    "certificate.fingerprint256",
  ),
  mutant("only who OpenSSL trusts", IDENTITY, CONNECTIONS, "rejectUnauthorized: false", "rejectUnauthorized: true"),
  mutant("an older TLS", IDENTITY, CONNECTIONS, 'minVersion: "TLSv1.3", maxVersion: "TLSv1.3",'),
  mutant("sessions resumed", LISTENER, CONNECTIONS, "secureOptions: constants.SSL_OP_NO_TICKET,"),
  mutant(
    "a renewed certificate without the pinning's rules",
    LISTENER,
    CONNECTIONS,
    "this.#server.setSecureContext({ ...contextOf(identity), ...HANDSHAKE });",
    "void identity;",
  ),
  mutant(
    "a party's key not in the cluster's name",
    CLUSTER_ID,
    NAME,
    "parties.map((party) => tlsKey(party.certificate))",
    "[]",
  ),
  mutant(
    "a client's key not in the cluster's name",
    CLUSTER_ID,
    NAME,
    "tlsKey: tlsKey(client.certificate)",
    "tlsKey: client.publicKey",
  ),
  mutant(
    "renewed with another's key",
    CERTIFICATES,
    RENEWAL,
    "if (!new X509Certificate(certificatePem).checkPrivateKey(privateKey))",
    "if (false)",
  ),
  mutant(
    "renewed with another kind of key",
    CERTIFICATES,
    RENEWAL,
    'if (privateKey.asymmetricKeyType !== "ed25519")',
    "if (false)",
  ),
  mutant(
    "renewed with any name",
    CERTIFICATES,
    RENEWAL,
    "for (const name of names ?? []) if (!isDnsName(name)) throw new RangeError(`${JSON.stringify(name)} is not a DNS name`);",
  ),
];
