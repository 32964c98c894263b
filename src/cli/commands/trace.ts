/** `abcast trace`: plays a recorded run again with the production code, and shows it as a space–time diagram. */
import { readFile } from "node:fs/promises";
import type { Command } from "commander";
import { naming } from "../../replica/input-error.js";
import {
  DiagramRecorder,
  Run,
  ScenarioError,
  type TraceFile,
  drawDiagram,
  formatAction,
  listDiagram,
  parseTrace,
} from "../../sim/index.js";
import { EXIT, InputError } from "../errors.js";
import { example, jsonOption } from "../options.js";
import { createOutput } from "../output.js";
import { checkTarget, writeWhole } from "../whole-file.js";

interface Options {
  readonly svg?: string;
  readonly json?: boolean;
}

export function registerTrace(program: Command): void {
  program
    .command("trace")
    .summary("show a recorded run as a space–time diagram")
    .description(
      "Plays the run in FILE again, which abcast simulate wrote, and shows who sent what to whom, what arrived when, who crashed, lied, delivered. " +
        "Exit code 1 when the run is not the one that was recorded: the protocols have changed since.",
    )
    .argument("<FILE>", "trace, as abcast simulate writes it")
    .option("--svg <OUT>", "draw it as a picture that any browser shows, instead of listing it")
    .addOption(jsonOption())
    .addHelpText("after", example("abcast trace run.json", "abcast trace run.json --svg run.svg"))
    .action(trace);
}

async function trace(file: string, options: Options): Promise<void> {
  const output = createOutput(options);
  const recorded = await loadTrace(file);
  const { svg } = options;
  if (svg !== undefined) await checkTarget({ file: svg, option: "--svg" }, { replace: true, keep: [file] });
  const recorder = new DiagramRecorder();
  const run = runOf(file, recorded, recorder);
  while (run.step());
  const { actions, failure, isTolerated } = run;
  const { traceSha256 } = run.world;
  const isSame = traceSha256 === recorded.recording.traceSha256;
  const { diagram } = recorder;
  const { seed, suites: _, ...scenario } = recorded.options;
  const outcome =
    failure === undefined ? "every property held" : `violation of ${failure.property}: ${failure.message}`;
  const title = `seed ${seed}, ${diagram.parties} parties, ${actions.length} actions: ${outcome}`;
  if (svg !== undefined) await writeWhole(svg, drawDiagram(diagram, title));
  const warning = [
    ...(isSame ? [] : ["This is not the run that was recorded: the protocols have changed since, or the file has."]),
    ...(isTolerated ? [] : ["More parties fail in it than the group tolerates: nothing is promised."]),
  ];
  const picture = svg === undefined ? listDiagram(diagram) : [`drawn in ${svg}`];
  output.result(
    {
      seed,
      scenario,
      n: diagram.parties,
      failure,
      isSame,
      isTolerated,
      traceSha256,
      events: diagram.length,
      actions: actions.map(formatAction),
      svg,
    },
    [...picture, title, ...warning].join("\n"),
  );
  if (!isSame) process.exitCode = EXIT.invalid;
}

/** @throws InputError naming the file and what is wrong with it */
async function loadTrace(file: string): Promise<TraceFile> {
  const trace = parseTrace(await naming(file, readFile(file, "utf8")));
  if (!trace.ok) throw new InputError({ file }, `is no trace: ${trace.error}`);
  return trace.value;
}

/** @throws InputError naming the file when its scenario cannot be run */
function runOf(file: string, { options, recording }: TraceFile, { observe }: DiagramRecorder): Run {
  try {
    return new Run(options, { script: recording.actions, observe });
  } catch (error) {
    if (error instanceof ScenarioError) throw new InputError({ file, field: "scenario" }, error.message);
    throw error;
  }
}
