/** Wide-area links between the processes of a benchmark's cluster: its files say afterwards that replicas are where links begin. */
import { fork } from "node:child_process";
import { once } from "node:events";
import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { PLACES, oneWayMs } from "./places.mjs";

const EMULATOR = fileURLToPath(new URL("emulator.mjs", import.meta.url));

/** The place of party i, and of client i. */
export const placeOf = (index) => index % PLACES.length;

/** Puts links between all that are at different places. Returns what closes them. */
export async function putLinks(cluster, { jitter, loss }) {
  const emulator = fork(EMULATOR);
  const files = cluster.publicFiles.map(({ party, client, file }) => ({ from: placeOf(party ?? client), party, file }));
  const links = files.flatMap(({ from, party, file }) => {
    const json = JSON.parse(readFileSync(file, "utf8"));
    const parties = (json.public ?? json).parties;
    return parties
      .filter((entry) => entry.party !== party && placeOf(entry.party) !== from)
      .map((entry) => ({ file, party: entry.party, port: entry.port, delayMs: oneWayMs(from, placeOf(entry.party)) }));
  });
  emulator.send(links.map(({ port, delayMs }) => ({ port, delayMs, jitter, loss })));
  const [ports] = await once(emulator, "message");
  for (const { file } of files) {
    const json = JSON.parse(readFileSync(file, "utf8"));
    for (const entry of (json.public ?? json).parties) {
      const index = links.findIndex((link) => link.file === file && link.party === entry.party);
      if (index >= 0) entry.port = ports[index];
    }
    writeFileSync(file, JSON.stringify(json));
  }
  return () => emulator.kill();
}
