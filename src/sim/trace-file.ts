/**
 * A run on paper: scenario, seed and schedule, from which the production code makes the same run again, anywhere. JSON, for people to read and
 * to change.
 */
import { z } from "zod";
import { parseJson } from "../core/json.js";
import { DEFAULT_DISSEMINATION } from "../protocols/index.js";
import { type Action, MAX_HANDED_BYTES, formatAction, parseAction } from "./action.js";
import { MAX_SEED } from "./random.js";
import { scenarioSchema } from "./scenario.js";
import type { Recording, SimulationOptions } from "./simulation.js";

export const TRACE_FORMAT = "abcast-trace/1";
/** Far beyond any run that ends. */
const MAX_ACTIONS = 10_000_000;

const actionField = z.codec(z.string().max(64 + 2 * MAX_HANDED_BYTES), z.custom<Action>(), {
  decode(text, context): Action {
    const action = parseAction(text);
    if (action !== undefined) return action;
    context.issues.push({ code: "custom", input: text, message: `is no action: ${JSON.stringify(text)}` });
    return z.NEVER;
  },
  encode: formatAction,
});

const traceSchema = z.strictObject({
  format: z.literal(TRACE_FORMAT),
  seed: z.number().int().min(0).max(MAX_SEED),
  scenario: scenarioSchema,
  /** What the run broke. */
  failure: z.strictObject({ property: z.string().max(100), message: z.string().max(10_000) }).optional(),
  /** SHA-256 over all effects of the run. */
  traceSha256: z.string().regex(/^[0-9a-f]{64}$/),
  actions: z.array(actionField).max(MAX_ACTIONS),
});

export interface TraceFile {
  readonly options: SimulationOptions;
  readonly recording: Recording;
}

export function formatTrace({ options, recording }: TraceFile): string {
  const { seed, suites: _, ...scenario } = options;
  const { actions, failure, traceSha256 } = recording;
  const file = z.encode(traceSchema, {
    format: TRACE_FORMAT,
    seed,
    // Said in any case, so that another default does not make another run of the file.
    scenario: { ...scenario, dissemination: scenario.dissemination ?? DEFAULT_DISSEMINATION },
    failure: failure === undefined ? undefined : { ...failure },
    traceSha256,
    actions: [...actions],
  });
  return `${JSON.stringify(file, undefined, 1)}\n`;
}

/** Total: the trace that `text` describes, or what is wrong with it. */
export function parseTrace(
  text: string,
): { readonly ok: true; readonly value: TraceFile } | { readonly ok: false; readonly error: string } {
  const json = parseJson(text);
  if (!json.ok) return json;
  const trace = traceSchema.safeParse(json.value);
  if (!trace.success) {
    const [issue] = trace.error.issues;
    return { ok: false, error: `${issue?.path.join(".") ?? ""}: ${issue?.message ?? "malformed"}` };
  }
  const { seed, scenario, failure, traceSha256, actions } = trace.data;
  // A file that does without is older than batches were the default.
  const { dissemination = "inline" } = scenario;
  return {
    ok: true,
    value: { options: { seed, ...scenario, dissemination }, recording: { actions, failure, traceSha256 } },
  };
}
