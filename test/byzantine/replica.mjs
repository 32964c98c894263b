/**
 * A corrupted replica: the production replica with the party's real keys, whose links and signature shares lie. It
 * equivocates, votes twice, lies in commits, sends bad shares, garbage and replays (src/sim/byzantine.ts has the attacks).
 * Not part of the package: the demo and the end-to-end tests start it in the place of an honest one.
 *
 *     node test/byzantine/replica.mjs --client CLIENT [--behaviour all|withhold|equivocate|bad-shares] [--seed N] [--rate P] DIR/party-I
 *
 * `withhold` leaves out of what it says whatever chance picks; the others are some of the attacks.
 */
import { randomBytes } from "node:crypto";
import { parseArgs } from "node:util";
import { removePidFile, writePidFile } from "../../dist/cli/pid-file.js";
import { REAL_PORTS, startNode } from "../../dist/cli/node-process.js";
import { concat, toHex } from "../../dist/core/bytes.js";
import { decode, encode } from "../../dist/core/codec.js";
import { createSuite } from "../../dist/crypto/index.js";
import { createEd25519Signer } from "../../dist/crypto/index.js";
import { loadClient, loadParty } from "../../dist/replica/config-files.js";
import { groupOf } from "../../dist/replica/config-group.js";
import { encodeNotaryOperation } from "../../dist/services/notary/index.js";
import { ATTACKS, CorruptedParty, Random } from "../../dist/sim/index.js";
import { signRequest } from "../../dist/wire/payload.js";
import { isItem, peerFrameCodec } from "../../dist/wire/peer-frames.js";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    seed: { type: "string", default: "1" },
    rate: { type: "string", default: "0.3" },
    client: { type: "string" },
    behaviour: { type: "string", default: "all" },
  },
});
const [directory] = positionals;
/** What lies a behaviour is made of. */
const BEHAVIOURS = {
  all: ATTACKS.filter((attack) => attack !== "withhold"),
  withhold: ["withhold"],
  equivocate: ATTACKS.filter((attack) => /^equivocate-|^double-vote$|^lie-in-commit$/.test(attack)),
  "bad-shares": ["bad-share"],
};
const chosen = BEHAVIOURS[values.behaviour];
if (directory === undefined || values.client === undefined || chosen === undefined) {
  const behaviours = Object.keys(BEHAVIOURS).join("|");
  throw new Error(
    `usage: replica.mjs --client DIR/client-0.json [--behaviour ${behaviours}] [--seed N] [--rate P] DIR/party-I`,
  );
}

const party = await loadParty(directory);
const { public: cluster, config, keys } = party;
const group = groupOf(cluster);
const suite = await createSuite({ group, self: config.party, publicKeys: cluster.keys, secretKeys: keys });

// A corrupted client conspires with it: it signs requests that the replica uses to tell different stories.
const accomplice = createEd25519Signer((await loadClient(values.client)).signing);

let invented = 0;

function inventPayload() {
  const operation = encodeNotaryOperation({ algorithm: "sha256", value: new Uint8Array(randomBytes(32)) });
  const unsigned = {
    cluster: cluster.cluster,
    client: accomplice.publicKey,
    // One session, so that its requests do not evict the sessions of who uses the same key.
    session: { opened: 1, nonce: new Uint8Array(8) },
    number: ++invented,
    acknowledged: Math.max(0, invented - 128),
    action: { kind: "call", service: "notary", operation },
  };
  return signRequest(unsigned, {
    hash: (bytes) => suite.hash(bytes),
    sign: (statement) => accomplice.sign(statement),
  });
}

const attacks = new Map(ATTACKS.map((attack) => [attack, 0]));
const corrupted = new CorruptedParty({
  self: config.party,
  cluster: cluster.cluster,
  group,
  suite,
  random: new Random(Number(values.seed)),
  corruption: { rate: Number(values.rate), attacks: chosen },
  inventPayload,
  onAttack: (attack) => attacks.set(attack, (attacks.get(attack) ?? 0) + 1),
});

/** How many lies there may be in the place of one message: their numbers are between those of what is true. */
const LIES = 64;

/** The connection to `to`, on which messages are replaced by lies, or left out. `omitted`: of that, the number before each. */
function lying(to, connection, omitted) {
  /** Each item names the one before it: what was left out was never said. */
  const said = (number) => {
    let last = number;
    while (omitted.has(last)) last = omitted.get(last);
    return last;
  };
  return {
    peer: connection.peer,
    pause: () => connection.pause(),
    resume: () => connection.resume(),
    close: () => connection.close(),
    send(...pieces) {
      const frame = decode(peerFrameCodec, concat(...pieces));
      if (!frame.ok || !isItem(frame.value)) return connection.send(...pieces);
      const { value } = frame;
      const lies = value.kind === "message" ? corrupted.tamper(to, value.envelope).slice(0, LIES) : [undefined];
      if (lies.length === 0) omitted.set(value.number, value.after);
      let writable = true;
      for (const [index, envelope] of lies.entries()) {
        const number = value.number * LIES + index;
        const after = index === 0 ? said(value.after) * LIES : number - 1;
        const numbered = { ...value, ...(envelope && { envelope }), number, after };
        writable = connection.send(encode(peerFrameCodec, numbered));
      }
      return writable;
    },
  };
}

/** What the peer says of numbers, in the numbers of what is true. */
function believing(handlers) {
  if (handlers === undefined) return undefined;
  const onFrame = (bytes) => {
    const { value } = decode(peerFrameCodec, bytes);
    for (const name of ["resumeAfter", "bulkResumeAfter", "upTo", "bulkUpTo"])
      if (value?.[name] !== undefined) value[name] = Math.floor(value[name] / LIES);
    handlers.onFrame(value === undefined ? bytes : encode(peerFrameCodec, value));
  };
  return {
    onFrame,
    onWritable: () => handlers.onWritable(),
    onClose: (reason) => handlers.onClose(reason),
  };
}

const damage = (share) =>
  chosen.includes("bad-share") ? share.map((byte, index) => (index === 100 ? byte ^ 1 : byte)) : share;

const ports = {
  ...REAL_PORTS,
  /** What it signed in its lies it does not know again: a replica that is shown a signature of its own that it lacks stops. */
  async createSuite(options) {
    const real = await REAL_PORTS.createSuite(options);
    const signed = new Set();
    return {
      ...real,
      sign(statement) {
        signed.add(toHex(statement));
        return real.sign(statement);
      },
      verify: (by, statement, signature) =>
        (by !== options.self || signed.has(toHex(statement))) && real.verify(by, statement, signature),
    };
  },
  dial(options) {
    const omitted = new Map();
    return REAL_PORTS.dial({
      ...options,
      accept: (connection) => believing(options.accept(lying(options.party, connection, omitted))),
    });
  },
  signer(own, key) {
    const honest = REAL_PORTS.signer(own, key);
    return {
      ...honest,
      share: (message) => damage(honest.share(message)),
      prove: async (message) => damage(await honest.prove(message)),
    };
  },
};

const log = (message) => console.log(`${new Date().toISOString()} corrupted party ${config.party}: ${message}`);
const running = await startNode({ party, ports, onLog: log, onFatal: (error) => log(`stopped: ${error.message}`) });
writePidFile(directory);
log(`serving, pid ${process.pid}`);
process.once("SIGTERM", async () => {
  log(`attacks: ${[...attacks].map(([attack, count]) => `${attack} ${count}`).join(", ")}`);
  removePidFile(directory);
  await running.stop();
});
