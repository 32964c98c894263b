/** Runs command lines one after the other in one process: a JSON list of lists of words on the standard input, what became of each as JSON. */
import { text } from "node:stream/consumers";
import { COMMANDS } from "../../dist/cli/commands.js";
import { run } from "../../dist/cli/program.js";

const { stdout, stderr } = process;
const write = { stdout: stdout.write.bind(stdout), stderr: stderr.write.bind(stderr) };
// Each line listens for the end of its output.
stdout.setMaxListeners(0);

/** What is written to the stream goes to `take`. */
function divert(stream, take) {
  stream.write = (chunk, encoding, done) => {
    take(String(chunk));
    const callback = typeof encoding === "function" ? encoding : done;
    callback?.();
    return true;
  };
}

const finished = [];
for (const words of JSON.parse(await text(process.stdin))) {
  const said = { stdout: "", stderr: "" };
  divert(stdout, (chunk) => (said.stdout += chunk));
  divert(stderr, (chunk) => (said.stderr += chunk));
  process.exitCode = undefined;
  const code = await run(["node", "abcast", ...words], COMMANDS);
  finished.push({ code, ...said });
}
process.exitCode = 0;
Object.assign(stdout, { write: write.stdout });
Object.assign(stderr, { write: write.stderr });
stdout.write(JSON.stringify(finished));
