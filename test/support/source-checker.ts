/** Reads TypeScript sources and finds what breaks the rules of the house; the rules are in test/architecture.test.ts. */
import { posix } from "node:path";
import ts from "typescript";

/** Sources by path, such as `src/core/codec.ts`. */
export type Sources = ReadonlyMap<string, string>;

export interface Room {
  /**
   * What files of the room may import besides each other: another room (`core`), files of it
   * (`replica/links.ts`, `*` for any characters), `npm:name`, `npm:*`, `node:*`, or `*` for anything.
   * With `type ` in front only by `import type`.
   */
  readonly imports: readonly string[];
  /** Nothing that runs because of these files may reach Node's modules: the room also runs in a browser. */
  readonly browser?: boolean;
  /** No clock, timer, promise, randomness or process: the same input gives the same output. */
  readonly deterministic?: boolean;
}

export interface Rules {
  /** By the folder in src, or, for files that differ from their folder, by a pattern such as `replica/config*.ts`. */
  readonly rooms: Readonly<Record<string, Room>>;
  readonly maxLines: number;
  /** Words in the header comment of `src/protocols/<name>/<name>.ts`. */
  readonly protocolHeader: readonly string[];
}

interface Import {
  readonly specifier: string;
  readonly line: number;
  readonly typeOnly: boolean;
  /** The file meant by a relative specifier. */
  readonly target: string | undefined;
}

interface Source {
  readonly path: string;
  readonly room: string;
  readonly text: string;
  readonly tree: ts.SourceFile;
  readonly imports: readonly Import[];
}

/** Everything that breaks `rules`, one line each: `src/core/a.ts:3: …`. */
export function check(sources: Sources, rules: Rules): string[] {
  const files = new Map([...sources].map(([path, text]) => [path, parse(path, text)]));
  const problems: string[] = [];
  for (const file of files.values()) {
    const special = Object.keys(rules.rooms).find((name) => name.includes("/") && matches(`src/${name}`, file.path));
    const name = special ?? file.room;
    const room = rules.rooms[name];
    if (room === undefined) problems.push(`${file.path}: no room "${name}" in the rules`);
    else problems.push(...checkImports(file, name, room, files), ...checkBrowser(file, room, files));
    if (room?.deterministic === true) problems.push(...checkDeterminism(file));
    problems.push(...checkTypes(file), ...checkLength(file, rules.maxLines));
  }
  return [...problems, ...checkProtocolHeaders(files, rules.protocolHeader), ...checkCycles(files)];
}

function parse(path: string, text: string): Source {
  const tree = ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true);
  const imports: Import[] = [];
  const add = (node: ts.Node, specifier: ts.Node | undefined, typeOnly: boolean): void => {
    const name = specifier !== undefined && ts.isStringLiteralLike(specifier) ? specifier.text : "<computed>";
    const target = name.startsWith(".")
      ? posix
          .join(posix.dirname(path), name)
          .replace(/\.js$/, ".ts")
          .replace(/\.mjs$/, ".mts")
      : undefined;
    imports.push({ specifier: name, line: lineOf(tree, node), typeOnly, target });
  };
  walk(tree, (node) => {
    if (ts.isImportDeclaration(node)) {
      add(node, node.moduleSpecifier, node.importClause?.phaseModifier === ts.SyntaxKind.TypeKeyword);
    } else if (ts.isExportDeclaration(node) && node.moduleSpecifier !== undefined) {
      add(node, node.moduleSpecifier, node.isTypeOnly);
    } else if (ts.isImportEqualsDeclaration(node) && ts.isExternalModuleReference(node.moduleReference)) {
      add(node, node.moduleReference.expression, node.isTypeOnly);
    } else if (ts.isImportTypeNode(node)) {
      add(node, ts.isLiteralTypeNode(node.argument) ? node.argument.literal : undefined, true);
    } else if (ts.isCallExpression(node)) {
      const { expression } = node;
      const isRequire = ts.isIdentifier(expression) && expression.text === "require";
      if (isRequire || expression.kind === ts.SyntaxKind.ImportKeyword) add(node, node.arguments[0], false);
    }
  });
  return { path, room: roomOf(path), text, tree, imports };
}

/** `core` of `src/core/codec.ts`; empty for a file directly in src. */
function roomOf(path: string): string {
  const [, room = "", ...rest] = path.split("/");
  return rest.length > 0 ? room : "";
}

function checkImports(file: Source, name: string, room: Room, files: ReadonlyMap<string, Source>): string[] {
  const problems: string[] = [];
  for (const { specifier, line, typeOnly, target } of file.imports) {
    const at = `${file.path}:${line}`;
    if (target !== undefined && !files.has(target)) problems.push(`${at}: imports ${specifier}, which does not exist`);
    else if (target !== undefined && roomOf(target) === file.room) continue;
    else if (!room.imports.some((allowed) => allows(allowed, specifier, target, typeOnly))) {
      problems.push(`${at}: ${name} may not import ${target?.slice("src/".length) ?? specifier}`);
    }
  }
  return problems;
}

function allows(allowed: string, specifier: string, target: string | undefined, typeOnly: boolean): boolean {
  const wanted = allowed.replace(/^type /, "");
  if (wanted !== allowed && !typeOnly) return false;
  if (wanted === "*") return true;
  if (target === undefined) {
    const full = specifier.startsWith("node:") ? specifier : `npm:${specifier}`;
    return matches(wanted, full) || full.startsWith(`${wanted}/`);
  }
  return wanted.includes("/") ? matches(`src/${wanted}`, target) : roomOf(target) === wanted;
}

function matches(pattern: string, text: string): boolean {
  const escaped = pattern.split("*").map((part) => part.replace(/[.+?^${}()|[\]\\]/g, "\\$&"));
  return new RegExp(`^${escaped.join(".*")}$`).test(text);
}

/** Follows all imports that remain at run time. */
function checkBrowser(file: Source, room: Room, files: ReadonlyMap<string, Source>): string[] {
  if (room.browser !== true) return [];
  const seen = new Set([file.path]);
  const queue: { file: Source; via: readonly string[] }[] = [{ file, via: [] }];
  for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
    for (const { specifier, typeOnly, target } of next.file.imports) {
      if (typeOnly) continue;
      if (specifier.startsWith("node:")) {
        return [`${[file.path, ...next.via].join(" → ")} → ${specifier}: ${file.room} runs in a browser`];
      }
      const reached = target === undefined ? undefined : files.get(target);
      if (reached === undefined || seen.has(reached.path)) continue;
      seen.add(reached.path);
      queue.push({ file: reached, via: [...next.via, reached.path] });
    }
  }
  return [];
}

const FORBIDDEN_NAMES = new Set(
  (
    "Date performance setTimeout setInterval setImmediate queueMicrotask Promise process console " +
    "globalThis fetch Worker WeakRef FinalizationRegistry"
  ).split(" "),
);

function checkDeterminism({ path, tree }: Source): string[] {
  const problems: string[] = [];
  const forbid = (node: ts.Node, what: string): void => {
    problems.push(`${path}:${lineOf(tree, node)}: ${what} is not deterministic`);
  };
  walk(tree, (node) => {
    if (ts.isAwaitExpression(node) || (ts.isForOfStatement(node) && node.awaitModifier !== undefined))
      forbid(node, "await");
    else if (node.kind === ts.SyntaxKind.AsyncKeyword) forbid(node, "async");
    else if (ts.isIdentifier(node) && !isMemberName(node)) {
      if (FORBIDDEN_NAMES.has(node.text)) forbid(node, node.text);
      if (node.text === "Math" && !isHarmlessMath(node)) forbid(node, "Math.random");
    }
  });
  return problems;
}

/** Names after a dot and names of members are anyone's; only free names mean the globals. */
function isMemberName(node: ts.Identifier): boolean {
  const { parent } = node;
  if (ts.isPropertyAccessExpression(parent)) return parent.name === node;
  if (ts.isQualifiedName(parent)) return parent.right === node;
  if (ts.isBindingElement(parent)) return parent.propertyName === node;
  const isMember =
    ts.isPropertyAssignment(parent) ||
    ts.isPropertySignature(parent) ||
    ts.isPropertyDeclaration(parent) ||
    ts.isMethodDeclaration(parent) ||
    ts.isMethodSignature(parent) ||
    ts.isAccessor(parent);
  return isMember && parent.name === node;
}

/** `Math.something` that is not random; anything else done with `Math` might reach it. */
function isHarmlessMath({ parent }: ts.Identifier): boolean {
  return ts.isPropertyAccessExpression(parent) && parent.name.text !== "random";
}

function checkTypes({ path, tree, text }: Source): string[] {
  const problems: string[] = [];
  walk(tree, (node) => {
    if (node.kind === ts.SyntaxKind.AnyKeyword) problems.push(`${path}:${lineOf(tree, node)}: the type any`);
  });
  text.split("\n").forEach((content, index) => {
    if (/@ts-(ignore|expect-error|nocheck)/.test(content)) problems.push(`${path}:${index + 1}: silences the compiler`);
  });
  return problems;
}

function checkLength({ path, text }: Source, maxLines: number): string[] {
  const lines = text.replace(/\n$/, "").split("\n").length;
  return lines > maxLines ? [`${path}: ${lines} lines, more than ${maxLines}`] : [];
}

function checkProtocolHeaders(files: ReadonlyMap<string, Source>, words: readonly string[]): string[] {
  const folders = new Set<string>();
  for (const path of files.keys()) {
    const folder = /^src\/protocols\/([^/]+)\//.exec(path)?.[1];
    if (folder !== undefined) folders.add(folder);
  }
  return [...folders].flatMap((folder) => {
    const path = `src/protocols/${folder}/${folder}.ts`;
    const file = files.get(path);
    if (file === undefined) return [`${path}: the protocol's own file is missing`];
    const header = /^\s*\/\*\*.*?\*\//s.exec(file.text)?.[0] ?? "";
    const missing = words.filter((word) => !new RegExp(`\\b${word}\\b`).test(header));
    return missing.length > 0 ? [`${path}: the header comment lacks ${missing.join(", ")}`] : [];
  });
}

/** Strongly connected components (Tarjan) of more than one file, and files that import themselves. */
function checkCycles(files: ReadonlyMap<string, Source>): string[] {
  const problems: string[] = [];
  const order = new Map<string, { index: number; low: number; onStack: boolean }>();
  const stack: string[] = [];
  const visit = (path: string): { index: number; low: number; onStack: boolean } => {
    const node = { index: order.size, low: order.size, onStack: true };
    order.set(path, node);
    stack.push(path);
    for (const { target } of files.get(path)?.imports ?? []) {
      if (target === undefined || !files.has(target)) continue;
      if (target === path) problems.push(`import cycle: ${path} imports itself`);
      const seen = order.get(target);
      if (seen === undefined) node.low = Math.min(node.low, visit(target).low);
      else if (seen.onStack) node.low = Math.min(node.low, seen.index);
    }
    if (node.low === node.index) {
      const component = stack.splice(stack.indexOf(path));
      for (const member of component) {
        const visited = order.get(member);
        if (visited !== undefined) visited.onStack = false;
      }
      if (component.length > 1) problems.push(`import cycle: ${component.toSorted().join(", ")}`);
    }
    return node;
  };
  for (const path of files.keys()) if (!order.has(path)) visit(path);
  return problems;
}

function walk(node: ts.Node, visit: (node: ts.Node) => void): void {
  visit(node);
  ts.forEachChild(node, (child) => walk(child, visit));
}

function lineOf(tree: ts.SourceFile, node: ts.Node): number {
  return tree.getLineAndCharacterOfPosition(node.getStart(tree)).line + 1;
}
