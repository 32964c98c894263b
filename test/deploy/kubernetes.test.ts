/** The manifests for Kubernetes: of the form that its API takes, and what they name is there. No cluster is needed. */
import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { z } from "zod";
import { ROOT } from "../docs/markdown.js";
import { abcastProblem } from "./command-lines.js";
import { type Manifest, manifestsOf, typeProblems } from "./manifests.js";

const FOLDER = join(ROOT, "deploy/kubernetes");
const PARTIES = ["party-0", "party-1", "party-2", "party-3"] as const;
const read = (path: string): string => readFileSync(join(FOLDER, path), "utf8");
const FILES = readdirSync(FOLDER, { recursive: true, encoding: "utf8" }).filter(
  (path) => path.endsWith(".yaml") && !path.endsWith("kustomization.yaml"),
);
const STATEFUL_SET = read("base/statefulset.yaml");
const DOCKERFILE = readFileSync(join(ROOT, "deploy/Dockerfile"), "utf8");
const MONITORING = readFileSync(join(ROOT, "src/adapters/http/monitoring.ts"), "utf8");

const labels = z.record(z.string(), z.string());
const probe = z.object({ httpGet: z.object({ path: z.string(), port: z.string() }), timeoutSeconds: z.number() });
const container = z.object({
  name: z.string(),
  image: z.string(),
  command: z.array(z.string()).optional(),
  args: z.array(z.string()),
  ports: z.array(z.object({ name: z.string(), containerPort: z.number() })).default([]),
  livenessProbe: probe.optional(),
  readinessProbe: probe.optional(),
  securityContext: z.object({
    allowPrivilegeEscalation: z.literal(false),
    readOnlyRootFilesystem: z.literal(true),
    capabilities: z.object({ drop: z.tuple([z.literal("ALL")]) }),
  }),
  volumeMounts: z.array(z.object({ name: z.string(), mountPath: z.string() })),
});
const affinityTerm = z.object({ labelSelector: z.object({ matchLabels: labels }), topologyKey: z.string() });
const statefulSet = z.object({
  metadata: z.object({ name: z.string() }),
  spec: z.object({
    serviceName: z.string(),
    replicas: z.literal(1),
    persistentVolumeClaimRetentionPolicy: z.object({
      whenDeleted: z.literal("Retain"),
      whenScaled: z.literal("Retain"),
    }),
    selector: z.object({ matchLabels: labels }),
    volumeClaimTemplates: z.array(
      z.object({ metadata: z.object({ name: z.string() }), spec: z.object({ accessModes: z.array(z.string()) }) }),
    ),
    template: z.object({
      metadata: z.object({ labels }),
      spec: z.object({
        securityContext: z.object({ runAsNonRoot: z.literal(true), runAsUser: z.number(), fsGroup: z.number() }),
        affinity: z.object({
          podAntiAffinity: z.object({ requiredDuringSchedulingIgnoredDuringExecution: z.array(affinityTerm).min(1) }),
        }),
        initContainers: z.array(container),
        containers: z.array(container),
        volumes: z.array(z.object({ name: z.string(), secret: z.object({ secretName: z.string() }).optional() })),
      }),
    }),
  }),
});

function only(manifests: readonly Manifest[], kind: string): Manifest {
  const [found, ...others] = manifests.filter((manifest) => manifest.kind === kind);
  if (found === undefined || others.length > 0) throw new Error(`${1 + others.length} of kind ${kind}`);
  return found;
}

/** What is wrong with the StatefulSet of a party. */
async function problemsOf(text: string): Promise<readonly string[]> {
  const manifests = manifestsOf(text);
  const ofType = typeProblems(manifests);
  if (ofType.length > 0) return ofType;
  const { spec } = statefulSet.parse(only(manifests, "StatefulSet"));
  const pod = spec.template.spec;
  const problems: string[] = [];
  const claims = spec.volumeClaimTemplates.map(({ metadata }) => metadata);
  const volumes = new Set([...pod.volumes, ...claims].map(({ name }) => name));
  for (const item of [...pod.initContainers, ...pod.containers]) {
    for (const { name } of item.volumeMounts) if (!volumes.has(name)) problems.push(`${item.name}: no volume ${name}`);
    const paths = item.args.join("\n").match(/(?<=^|\s)\/[\w/.-]+/g) ?? [];
    for (const path of paths) {
      if (!item.volumeMounts.some(({ mountPath }) => `${path}/`.startsWith(`${mountPath}/`)))
        problems.push(`${item.name}: ${path} is not mounted`);
    }
    if (item.command === undefined) {
      const problem = await abcastProblem(item.args);
      if (problem !== undefined) problems.push(problem);
    }
    for (const { httpGet } of [item.livenessProbe, item.readinessProbe].filter((check) => check !== undefined)) {
      if (!MONITORING.includes(`["${httpGet.path}"`)) problems.push(`${item.name}: no ${httpGet.path}`);
      if (!item.ports.some(({ name }) => name === httpGet.port)) problems.push(`${item.name}: no port ${httpGet.port}`);
    }
  }
  return problems;
}

test("all manifests have the form that the API takes", () => {
  expect(FILES).toHaveLength(5);
  expect(typeProblems(FILES.flatMap((path) => manifestsOf(read(path))))).toEqual([]);
});

test("what a party's StatefulSet names is there", async () => {
  expect(await problemsOf(STATEFUL_SET)).toEqual([]);
});

describe("a mistake is found:", () => {
  test.for([
    [
      "a field that the API does not have",
      "terminationGracePeriodSeconds",
      "terminationGraceSeconds",
      "terminationGraceSeconds\"' does not exist",
    ],
    ["a value of another type", "replicas: 1", 'replicas: "1"', "is not assignable to type 'number'"],
    ["a field that is missing", "  serviceName: party\n", "", "'serviceName' is missing"],
    ["a command that is not there", "args: [node, /var", "args: [nod, /var", "unknown command"],
    ["an option that is not there", "args: [node, /var", "args: [node, --port, /var", "unknown option '--port'"],
    [
      "a path that is not mounted",
      "args: [node, /var/lib/abcast/party]",
      "args: [node, /data]",
      "/data is not mounted",
    ],
    [
      "a path that is not mounted, in the script",
      "test -e /volume/",
      "test -e /volumes/",
      "/volumes/store/store.mdb is not mounted",
    ],
    [
      "a volume that is not there",
      "- name: secret\n              mountPath",
      "- name: keys\n              mountPath",
      "no volume keys",
    ],
    ["a probe that nobody answers", "path: /healthz", "path: /health", "no /health"],
    [
      "a probe of no port",
      "path: /readyz\n              port: http",
      "path: /readyz\n              port: https",
      "no port https",
    ],
  ] as const)("%s", async ([, right, wrong, problem]) => {
    expect(STATEFUL_SET).toContain(right);
    expect((await problemsOf(STATEFUL_SET.replace(right, wrong))).join("\n")).toContain(problem);
  });
});

describe("a party", () => {
  const { spec } = statefulSet.parse(only(manifestsOf(STATEFUL_SET), "StatefulSet"));
  const pod = spec.template.spec;

  test("runs as the image's user, on its ports", () => {
    const [, user] = /^USER (\d+):\1$/m.exec(DOCKERFILE) ?? [];
    expect([pod.securityContext.runAsUser, pod.securityContext.fsGroup]).toEqual([Number(user), Number(user)]);
    const ports = pod.containers.flatMap((item) => item.ports.map(({ containerPort }) => containerPort));
    expect(/^EXPOSE (.*)$/m.exec(DOCKERFILE)?.[1]).toBe(ports.join(" "));
  });

  test("has a volume that one pod alone may have, and that outlives it", () => {
    expect(spec.volumeClaimTemplates.map((claim) => claim.spec.accessModes)).toEqual([["ReadWriteOncePod"]]);
  });

  test("gets its keys as copies that others may not read, and no store of nobody's making", () => {
    const script = pod.initContainers.flatMap(({ args }) => args).join("\n");
    expect(script).toContain("install --mode=0600 /secret/keys.json");
    expect(script).toContain("until test -e /volume/store/store.mdb");
    expect(script).not.toMatch(/abcast (init|unseal)|mkdir/);
  });

  test("is not killed for answering late while it replays", () => {
    const liveness = pod.containers[0]?.livenessProbe;
    expect(liveness?.timeoutSeconds).toBeGreaterThanOrEqual(30);
  });
});

const kustomization = z.strictObject({
  apiVersion: z.literal("kustomize.config.k8s.io/v1beta1"),
  kind: z.literal("Kustomization"),
  namespace: z.literal("abcast").optional(),
  nameSuffix: z.string().optional(),
  resources: z.array(z.string()),
  labels: z
    .array(z.strictObject({ includeTemplates: z.literal(true), pairs: labels, fields: z.array(z.looseObject({})) }))
    .optional(),
  patches: z.array(z.strictObject({ target: z.strictObject({ kind: z.string() }), patch: z.string() })).optional(),
});

describe("the folders", () => {
  test.for(["base", "shared"])("%s has all of its files", (folder) => {
    const { resources } = kustomization.parse(parse(read(`${folder}/kustomization.yaml`)));
    const files = readdirSync(join(FOLDER, folder)).filter((name) => name !== "kustomization.yaml");
    expect(resources.toSorted()).toEqual(files.toSorted());
  });

  test.for(PARTIES)("%s differs from the others in its number alone", (party) => {
    const text = read(`${party}/kustomization.yaml`);
    const { nameSuffix, resources, labels: own, patches } = kustomization.parse(parse(text));
    expect([`party${nameSuffix}`, resources]).toEqual([party, ["../base"]]);
    expect(own?.map(({ pairs }) => pairs)).toEqual([{ "app.kubernetes.io/instance": party }]);
    // The patch names the Secret by its place among the volumes.
    expect(parse(patches?.[0]?.patch ?? "")).toEqual([
      { op: "replace", path: "/spec/template/spec/volumes/0/secret/secretName", value: party },
    ]);
    const { spec } = statefulSet.parse(only(manifestsOf(STATEFUL_SET), "StatefulSet"));
    expect(spec.template.spec.volumes[0]?.secret).toBeDefined();
    const digit = party.slice(-1);
    expect(text.replaceAll(`-${digit}`, "-0")).toBe(read("party-0/kustomization.yaml"));
  });
});

describe.runIf(spawnSync("kubectl", ["version", "--client"]).status === 0)("kubectl kustomize", () => {
  const rendered = (folder: string): readonly Manifest[] => {
    const { stdout, stderr, status } = spawnSync("kubectl", ["kustomize", join(FOLDER, folder)], { encoding: "utf8" });
    expect(status, stderr).toBe(0);
    return manifestsOf(stdout);
  };

  test("makes four parties that differ, and keep away from each other", () => {
    const all = PARTIES.map(rendered);
    expect(typeProblems([...all.flat(), ...rendered("shared")])).toEqual([]);
    const sets = all.map((manifests) => statefulSet.parse(only(manifests, "StatefulSet")));
    for (const [index, { metadata, spec }] of sets.entries()) {
      const party = PARTIES[index];
      const pod = spec.template;
      expect([metadata.name, spec.serviceName, pod.spec.volumes[0]?.secret?.secretName]).toEqual([party, party, party]);
      expect(spec.selector.matchLabels["app.kubernetes.io/instance"]).toBe(party);
      const service = z.object({ spec: z.object({ selector: labels }) }).parse(only(all[index] ?? [], "Service"));
      expect(pod.metadata.labels).toMatchObject(service.spec.selector);
      expect(service.spec.selector["app.kubernetes.io/instance"]).toBe(party);
      for (const { labelSelector } of pod.spec.affinity.podAntiAffinity
        .requiredDuringSchedulingIgnoredDuringExecution) {
        for (const other of sets) expect(other.spec.template.metadata.labels).toMatchObject(labelSelector.matchLabels);
      }
    }
  });
});
