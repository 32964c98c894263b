/** `abcast status`: what each replica says of itself and of the others. */
import type { Command } from "commander";
import { openClient } from "../cluster-client.js";
import { passphrase } from "../passphrase.js";
import { startHint, UnreachableError } from "../errors.js";
import { example, jsonOption, wholeNumber } from "../options.js";
import { createOutput } from "../output.js";
import { type PartyStatus, partyStatus } from "../party-status.js";

interface Options {
  readonly cluster: string;
  readonly timeout: number;
  readonly json?: boolean;
}

export function registerStatus(program: Command): void {
  program
    .command("status")
    .summary("show every replica's state")
    .description(
      "Asks every replica for its round, the length and digest of its log, and whom it accuses of what. Equal digests at equal lengths mean equal logs. Exit code 3 when no replica answers.",
    )
    .requiredOption("--cluster <FILE>", "the client's file, client-I.json")
    .option("--timeout <SECONDS>", "how long to wait for each replica", wholeNumber(1, 3600), 3)
    .addOption(jsonOption())
    .addHelpText("after", example("abcast status --cluster cluster/client-0.json --json"))
    .action(status);
}

async function status({ cluster, timeout, json }: Options): Promise<void> {
  const output = createOutput({ json });
  const { client } = await openClient(cluster, passphrase);
  try {
    const states = await client.status(timeout * 1000);
    const parties = [...states].sort(([a], [b]) => a - b).map(([party, state]) => partyStatus(party, state));
    if (parties.every(({ state }) => state === "unreachable")) {
      const each = parties.map(({ party, reason }) => `party ${party}: ${reason}`).join("; ");
      throw new UnreachableError(`no replica answers (${each})${startHint(parties.map(({ reason = "" }) => reason))}`);
    }
    output.result({ parties }, table(parties));
  } finally {
    client.close();
  }
}

function table(parties: readonly PartyStatus[]): string {
  const lines = ["party  state        round  sequence  log digest"];
  for (const { party, state, round, sequence, logDigest, catchUp, clocks, accusations, reason } of parties) {
    const cells = [
      String(party).padStart(5),
      state.padEnd(11),
      String(round ?? "-").padStart(6),
      String(sequence ?? "-").padStart(9),
    ];
    lines.push(`${cells.join("  ")}  ${logDigest?.slice(0, 16) ?? reason ?? "-"}`);
    if (catchUp !== null && catchUp !== undefined) {
      const { toRound, chunksReceived, chunks, roundsBehind } = catchUp;
      lines.push(
        `       takes the checkpoint of round ${toRound}: ${chunksReceived} of ${chunks} chunks; ${roundsBehind} rounds behind`,
      );
    }
    for (const { party: other, offsetMs } of clocks.filter(({ isFar }) => isFar)) {
      const direction = offsetMs > 0 ? "ahead of" : "behind";
      const whose = other === party ? "its own clock" : `the clock of party ${other}`;
      lines.push(`       finds ${whose} ${(Math.abs(offsetMs) / 1000).toFixed(1)} s ${direction} the group's time`);
    }
    for (const accusation of accusations) {
      lines.push(
        `       accuses party ${accusation.party} of ${accusation.fault} (${accusation.count} times, first in ${accusation.tag})`,
      );
    }
  }
  return lines.join("\n");
}
