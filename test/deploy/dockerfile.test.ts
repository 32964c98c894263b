/** The image: what it copies, runs and starts is there. No Docker is needed; none has built it here. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { Script } from "node:vm";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { ROOT } from "../docs/markdown.js";
import { abcastProblem, simpleCommands } from "./command-lines.js";
import { argsOf, copiesOf, type Dockerfile, isIgnored, parseDockerfile, type Stage } from "./dockerfile.js";

const TEXT = readFileSync(join(ROOT, "deploy/Dockerfile"), "utf8");
const IGNORE = readFileSync(join(ROOT, ".dockerignore"), "utf8");
const MONITORING = readFileSync(join(ROOT, "src/adapters/http/monitoring.ts"), "utf8");
const packageFile = z.object({ scripts: z.record(z.string(), z.string()) });
const { scripts } = packageFile.parse(JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")));
const words = (json: string): string[] => z.array(z.string()).parse(JSON.parse(json));

function lastStage({ stages }: Dockerfile): Stage {
  const stage = stages.at(-1);
  if (stage === undefined) throw new Error("no stage");
  return stage;
}

/** What is wrong with a Dockerfile of this repository. */
async function problemsOf(text: string, ignore = IGNORE): Promise<readonly string[]> {
  const file = parseDockerfile(text);
  const problems: string[] = [];
  for (const [index, stage] of file.stages.entries()) {
    for (const { from, sources } of copiesOf(stage)) {
      for (const source of sources) {
        if (from === undefined) {
          if (!existsSync(join(ROOT, source))) problems.push(`${source} does not exist`);
          if (isIgnored(ignore, source.replace(/^\.\//, ""))) problems.push(`${source} is kept from the builder`);
        } else {
          const other = file.stages.slice(0, index).find(({ name }) => name === from);
          const made = argsOf(other ?? stage, "WORKDIR").at(-1);
          if (other === undefined) problems.push(`there is no stage ${from}`);
          if (made === undefined || !source.startsWith(`${made}/`)) problems.push(`${from} makes no ${source}`);
        }
      }
    }
    for (const run of argsOf(stage, "RUN")) {
      for (const [program, command, script = ""] of simpleCommands(run)) {
        if (program === "npm" && command === "run" && scripts[script] === undefined)
          problems.push(`no script ${script}`);
      }
    }
  }
  const runtime = lastStage(file);
  const [entry = "[]"] = argsOf(runtime, "ENTRYPOINT");
  const [command = "[]"] = argsOf(runtime, "CMD");
  const [name = "", ...rest] = [...words(entry), ...words(command)];
  if (name !== "abcast") problems.push(`starts ${name}`);
  const problem = await abcastProblem(rest);
  return problem === undefined ? problems : [...problems, problem];
}

test("what it names exists", async () => {
  expect(await problemsOf(TEXT)).toEqual([]);
});

describe("a mistake is found:", () => {
  test.for([
    ["a file that is not there", "COPY src ./src", "COPY source ./src", "source does not exist"],
    ["a file that the builder does not get", "COPY bin ", "COPY docs ", "docs is kept from the builder"],
    ["a stage that is not there", "--from=build ", "--from=built ", "there is no stage built"],
    ["a path of another folder", "/build/dist", "/built/dist", "build makes no /built/dist"],
    ["a script that is not there", "npm run build", "npm run bild", "no script bild"],
    ["a command that is not there", 'CMD ["node", "/var', 'CMD ["nod", "/var', "unknown command"],
    ["an option that is not there", 'abcast/party"]', 'abcast/party", "--port=1"]', "unknown option '--port"],
  ] as const)("%s", async ([, right, wrong, problem]) => {
    expect(TEXT).toContain(right);
    const problems = await problemsOf(TEXT.replace(right, wrong));
    expect(problems.join("\n")).toContain(problem);
  });

  test("a word that is no instruction", () => {
    expect(() => parseDockerfile(TEXT.replace("STOPSIGNAL", "STOPSIGNALS"))).toThrow("no instruction: STOPSIGNALS");
  });
});

describe("the image", () => {
  const runtime = lastStage(parseDockerfile(TEXT));

  test("runs as a user that is not root, by number", () => {
    const [user = "", ...others] = argsOf(runtime, "USER");
    expect(others).toEqual([]);
    const [, number] = /^(\d+):\1$/.exec(user) ?? [];
    expect(Number(number)).toBeGreaterThan(0);
    expect(argsOf(runtime, "RUN").join("\n")).toContain(`--uid ${number} `);
    // Nothing is copied, or run as root, after it.
    const after = runtime.instructions.slice(runtime.instructions.findIndex(({ keyword }) => keyword === "USER"));
    expect(after.map(({ keyword }) => keyword).filter((keyword) => /^(COPY|RUN|ADD)$/.test(keyword))).toEqual([]);
  });

  test("has production dependencies only, as locked", () => {
    const { stages } = parseDockerfile(TEXT);
    const modules = copiesOf(runtime).find(({ sources }) => sources.some((source) => source.endsWith("/node_modules")));
    const made = stages.find(({ name }) => name === modules?.from);
    expect(made === undefined ? [] : argsOf(made, "RUN")).toEqual(["npm ci --omit=dev"]);
    for (const stage of stages) expect(argsOf(stage, "RUN").join("\n")).not.toMatch(/npm (i|install)\b/);
  });

  test("has the command where its link leads", () => {
    const [, target = ""] = /ln -s (\S+) \/usr\/local\/bin\/abcast/.exec(argsOf(runtime, "RUN").join("\n")) ?? [];
    const inRepository = target.replace(/^\/opt\/abcast\//, "");
    expect(existsSync(join(ROOT, inRepository)), target).toBe(true);
    const copied = copiesOf(runtime).map(({ target: to }) => to);
    expect(copied).toEqual(["/opt/abcast/", "/opt/abcast/bin", "/opt/abcast/node_modules", "/opt/abcast/dist"]);
  });

  test("is told to stop by the signal that abcast node heeds, and asked for its health where it answers", () => {
    expect(argsOf(runtime, "STOPSIGNAL")).toEqual(["SIGTERM"]);
    expect(readFileSync(join(ROOT, "src/cli/commands/node.ts"), "utf8")).toContain('"SIGTERM"');
    const [check = ""] = argsOf(runtime, "HEALTHCHECK");
    const [program, option, code = ""] = words(check.slice(check.indexOf("[")));
    expect([program, option]).toEqual(["node", "-e"]);
    expect(() => new Script(code)).not.toThrow();
    const [, port = "", path = ""] = /http:\/\/127\.0\.0\.1:(\d+)(\/\w+)/.exec(code) ?? [];
    expect(MONITORING).toContain(`["${path}"`);
    expect(argsOf(runtime, "EXPOSE")[0]?.split(" ")).toContain(port);
  });

  test("gets no secret: neither by a variable nor from what lies about", () => {
    const { header, stages } = parseDockerfile(TEXT);
    const variables = [...header, ...stages.flatMap(({ instructions }) => instructions)].filter(({ keyword }) =>
      /^(ARG|ENV)$/.test(keyword),
    );
    expect(variables.map(({ args }) => args)).toEqual(["NODE_IMAGE=node:20-slim", "NODE_ENV=production"]);
    const secrets = [
      "cluster/party-0/keys.json",
      "hosts/client-0.json",
      "client-0.json",
      ".git/config",
      "node_modules/x",
    ];
    for (const path of secrets) expect(isIgnored(IGNORE, path), path).toBe(true);
    expect(isIgnored(IGNORE, "src/cli/main.ts")).toBe(false);
    expect(readFileSync(join(ROOT, ".npmrc"), "utf8")).not.toContain("_auth");
  });
});
