/**
 * A corrupted replica: the production replica with the party's real keys, whose links and signature shares lie. It
 * equivocates, votes twice, lies in commits, sends bad shares, garbage and replays (src/sim/byzantine.ts has the attacks).
 * Not part of the package: the demo and the end-to-end tests start it in the place of an honest one.
 *
 *     node test/byzantine/replica.mjs [--seed N] [--rate P] DIR/party-I
 */
import { randomBytes } from "node:crypto";
import { parseArgs } from "node:util";
import { removePidFile, writePidFile } from "../../dist/cli/pid-file.js";
import { REAL_PORTS, startNode } from "../../dist/cli/node-process.js";
import { decode, encode } from "../../dist/core/codec.js";
import { createSuite } from "../../dist/crypto/index.js";
import { createEd25519Signer } from "../../dist/crypto/index.js";
import { loadClient, loadParty } from "../../dist/replica/config-files.js";
import { groupOf } from "../../dist/replica/config-group.js";
import { encodeRequest, requestStatement } from "../../dist/services/notary/index.js";
import { ATTACKS, CorruptedParty, Random } from "../../dist/sim/index.js";
import { isItem, peerFrameCodec } from "../../dist/wire/peer-frames.js";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    seed: { type: "string", default: "1" },
    rate: { type: "string", default: "0.3" },
    client: { type: "string" },
  },
});
const [directory] = positionals;
if (directory === undefined || values.client === undefined) {
  throw new Error("usage: replica.mjs --client DIR/client-0.json [--seed N] [--rate P] DIR/party-I");
}

const party = await loadParty(directory);
const { public: cluster, config, keys } = party;
const group = groupOf(cluster);
const suite = await createSuite({ group, self: config.party, publicKeys: cluster.keys, secretKeys: keys });

// A corrupted client conspires with it: it signs requests that the replica uses to tell different stories.
const accomplice = createEd25519Signer((await loadClient(values.client)).signing);

function inventPayload() {
  const unsigned = {
    cluster: cluster.cluster,
    client: accomplice.publicKey,
    nonce: new Uint8Array(randomBytes(16)),
    digest: { algorithm: "sha256", value: new Uint8Array(randomBytes(32)) },
  };
  return encodeRequest({ ...unsigned, signature: accomplice.sign(requestStatement(unsigned)) });
}

const attacks = new Map(ATTACKS.map((attack) => [attack, 0]));
const corrupted = new CorruptedParty({
  self: config.party,
  cluster: cluster.cluster,
  group,
  suite,
  random: new Random(Number(values.seed)),
  corruption: { rate: Number(values.rate), attacks: ATTACKS.filter((attack) => attack !== "withhold") },
  inventPayload,
  onAttack: (attack) => attacks.set(attack, (attacks.get(attack) ?? 0) + 1),
});

/** How many lies there may be in the place of one message: their numbers are between those of what is true. */
const LIES = 64;

/** The connection to `to`, on which messages are replaced by lies. */
function lying(to, connection) {
  return {
    peer: connection.peer,
    pause: () => connection.pause(),
    resume: () => connection.resume(),
    close: () => connection.close(),
    send(bytes) {
      const frame = decode(peerFrameCodec, bytes);
      if (!frame.ok || !isItem(frame.value)) return connection.send(bytes);
      const { value } = frame;
      const lies = value.kind === "message" ? corrupted.tamper(to, value.envelope).slice(0, LIES) : [undefined];
      let writable = true;
      for (const [index, envelope] of lies.entries()) {
        const number = value.number * LIES + index;
        const after = index === 0 ? value.after * LIES : number - 1;
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
    for (const name of ["resumeAfter", "upTo"])
      if (value?.[name] !== undefined) value[name] = Math.floor(value[name] / LIES);
    handlers.onFrame(value === undefined ? bytes : encode(peerFrameCodec, value));
  };
  return {
    onFrame,
    onWritable: () => handlers.onWritable(),
    onClose: (reason) => handlers.onClose(reason),
  };
}

const damaged = (share) => share.map((byte, index) => (index === 100 ? byte ^ 1 : byte));

const ports = {
  dial: (options) =>
    REAL_PORTS.dial({
      ...options,
      accept: (connection) => believing(options.accept(lying(options.party, connection))),
    }),
  receiptSigner(own) {
    const honest = REAL_PORTS.receiptSigner(own);
    return {
      ...honest,
      share: (message) => damaged(honest.share(message)),
      prove: async (message) => damaged(await honest.prove(message)),
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
