/** Certificate validity: whether proofs convince somebody who knows the keys, and nothing else. */
import type { Input } from "../core/engine.js";
import type { PartyId } from "../core/party-set.js";
import { type Checkers, Violation } from "./checkers.js";
import type { SimParty } from "./party.js";

/** From all proofs that `witness` keeps. @param from whom they seem to come from: nobody takes a message of itself. @throws Violation */
export function audit(witness: SimParty, from: PartyId, checkers: Checkers): void {
  const stranger = witness.stranger();
  for (const envelope of witness.archive) {
    const inputs: Input[] = [{ kind: "message", from, envelope }];
    for (let input = inputs.shift(); input !== undefined; input = inputs.shift()) {
      for (const effect of stranger.step(input)) {
        if (effect.kind === "output") checkers.audited(effect.channel, effect.value);
        if (effect.kind !== "askBatch") continue;
        const { channel, name } = effect;
        const bytes = witness.batches(channel).get(name);
        if (bytes === undefined)
          throw new Violation("certificate validity", `no batch ${name.height} of lane ${name.lane}`);
        inputs.push({ kind: "batch", from, channel, name, bytes });
      }
    }
  }
  checkers.auditEnds();
}
