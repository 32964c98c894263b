/** Kubernetes manifests against the types of Kubernetes' own OpenAPI description (kubernetes-types), by the compiler. */
import { join } from "node:path";
import ts from "typescript";
import { parseAllDocuments } from "yaml";
import { z } from "zod";
import { ROOT } from "../docs/markdown.js";

const manifest = z.looseObject({
  apiVersion: z.string(),
  kind: z.string(),
  metadata: z.looseObject({ name: z.string() }),
});
export type Manifest = z.output<typeof manifest>;

/** All documents of a YAML file. @throws Error when it is no YAML, or a document is no manifest */
export function manifestsOf(text: string): readonly Manifest[] {
  return parseAllDocuments(text).map((document) => {
    if (document.errors[0] !== undefined) throw document.errors[0];
    return manifest.parse(document.toJS());
  });
}

/** Where a kind's type is, by its API group and version. */
const MODULES: Readonly<Record<string, string>> = {
  v1: "core/v1",
  "apps/v1": "apps/v1",
  "networking.k8s.io/v1": "networking/v1",
  "policy/v1": "policy/v1",
};

/** The library's files, which take longer to read than all else. */
const parsed = new Map<string, ts.SourceFile>();

/**
 * What is wrong with the manifests: unknown and missing fields, wrong types. `apiVersion` and `kind` select the type, whose own
 * fields for them are literals.
 */
export function typeProblems(manifests: readonly Manifest[]): readonly string[] {
  const lines = manifests.map((content, index) => {
    const name = MODULES[content.apiVersion];
    if (name === undefined) return `export const unknown${index}: never = ${JSON.stringify(content.apiVersion)};`;
    return `export const m${index}: import("kubernetes-types/${name}").${content.kind} = ${JSON.stringify(content)};`;
  });
  const file = join(ROOT, "test/deploy/manifests-as-source.ts");
  const source = lines.join("\n");
  const options: ts.CompilerOptions = {
    strict: true,
    noEmit: true,
    skipLibCheck: true,
    types: [],
    lib: ["lib.es2022.d.ts"],
    module: ts.ModuleKind.NodeNext,
    moduleResolution: ts.ModuleResolutionKind.NodeNext,
  };
  const disk = ts.createCompilerHost(options);
  const host: ts.CompilerHost = {
    ...disk,
    fileExists: (path) => path === file || disk.fileExists(path),
    readFile: (path) => (path === file ? source : disk.readFile(path)),
    getSourceFile: (path, ...rest) => {
      if (path === file) return ts.createSourceFile(path, source, ts.ScriptTarget.ES2022, true);
      const known = parsed.get(path) ?? disk.getSourceFile(path, ...rest);
      if (known !== undefined) parsed.set(path, known);
      return known;
    },
  };
  return ts
    .getPreEmitDiagnostics(ts.createProgram([file], options, host))
    .map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, " "));
}
