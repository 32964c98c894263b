/** What the tests of the documentation need of Markdown: fenced blocks with their markers, links, code spans. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

export const ROOT = fileURLToPath(new URL("../..", import.meta.url));

/**
 * A comment on the line before a block changes what the test does with it:
 *
 *     <!-- test: skip (why) -->   it is not run
 *     <!-- test: exit 1 -->       its last command ends with this exit code; all others with 0
 */
export interface Block {
  readonly language: string;
  readonly code: string;
  /** The line of its first line of code. */
  readonly line: number;
  readonly skipped: boolean;
  readonly exitCode: number;
}

export interface Document {
  /** Such as `docs/LIMITS.md`. */
  readonly path: string;
  readonly text: string;
  readonly blocks: readonly Block[];
  /** The text with blocks and comments blanked out. */
  readonly prose: string;
}

/** README.md and all others that a reader meets. */
export function documents(): readonly Document[] {
  // Named, so that a file that somebody left here is not run as a document.
  const inRoot = ["ARCHITECTURE.md", "CHANGELOG.md", "CONTRIBUTING.md", "README.md", "SECURITY.md"];
  const inDocs = readdirSync(join(ROOT, "docs"), { recursive: true, encoding: "utf8" }).filter((name) =>
    name.endsWith(".md"),
  );
  return [...inRoot, ...inDocs.map((name) => `docs/${name}`)]
    .sort()
    .map((path) => parse(path, readFileSync(join(ROOT, path), "utf8")));
}

export function parse(path: string, text: string): Document {
  const blocks: Block[] = [];
  const prose: string[] = [];
  let open: { language: string; line: number; code: string[] } | undefined;
  let marker = "";
  for (const [index, line] of text.split("\n").entries()) {
    if (open !== undefined) {
      if (line === "```") {
        blocks.push({
          language: open.language,
          code: `${open.code.join("\n")}\n`,
          line: open.line,
          ...readMarker(path, marker),
        });
        open = undefined;
        marker = "";
      } else open.code.push(line);
      prose.push("");
    } else if (line.startsWith("```")) {
      open = { language: line.slice(3), line: index + 2, code: [] };
      prose.push("");
    } else {
      // Only the line directly before a block marks it.
      marker = /^<!-- test: (.*) -->$/.exec(line)?.[1] ?? "";
      prose.push(line.replace(/<!--.*?-->/g, ""));
    }
  }
  if (open !== undefined) throw new Error(`${path}:${open.line}: the block is not closed`);
  return { path, text, blocks, prose: prose.join("\n") };
}

function readMarker(path: string, marker: string): Pick<Block, "skipped" | "exitCode"> {
  if (marker === "") return { skipped: false, exitCode: 0 };
  if (/^skip \(.+\)$/.test(marker)) return { skipped: true, exitCode: 0 };
  const code = /^exit ([1-9][0-9]*)$/.exec(marker)?.[1];
  if (code === undefined) throw new Error(`${path}: no such marker: ${marker}`);
  return { skipped: false, exitCode: Number(code) };
}

/** Targets of links and images that are not on the web: path and anchor. */
export function relativeLinks({ prose }: Document): readonly { readonly path: string; readonly anchor: string }[] {
  const withoutCode = prose.replace(/`[^`]*`/g, "");
  return [...withoutCode.matchAll(/\]\(([^)\s]+)\)/g)]
    .map(([, target = ""]) => target)
    .filter((target) => !/^[a-z]+:/.test(target))
    .map((target) => ({ path: target.replace(/#.*/, ""), anchor: /#(.*)/.exec(target)?.[1] ?? "" }));
}

/** Paths of this repository that are mentioned as code: `src/core`, `.ci/run`, `ARCHITECTURE.md`. */
export function mentionedPaths({ prose }: Document): readonly string[] {
  return [...prose.matchAll(/`([^`\s]+)`/g)]
    .map(([, span = ""]) => span)
    .filter(
      (span) =>
        /^(src|test|docs|bin|bench|\.ci)\/[\w./-]*$/.test(span) ||
        /^[A-Z]+\.md$/.test(span) ||
        /^(package|tsconfig)[\w.-]*\.json$/.test(span),
    );
}

/** The anchors that GitHub gives the headings. */
export function anchors({ prose }: Document): readonly string[] {
  return [...prose.matchAll(/^#+ (.*)$/gm)].map(([, title = ""]) =>
    title
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, "")
      .replaceAll(" ", "-"),
  );
}

/** The rows of all tables, as cells without their outer blanks. */
export function tableRows({ prose }: Document): readonly (readonly string[])[] {
  return prose
    .split("\n")
    .filter((line) => line.startsWith("|") && !/^\|[\s|:-]+\|$/.test(line))
    .map((line) =>
      line
        .slice(1, line.lastIndexOf("|"))
        .split("|")
        .map((cell) => cell.trim()),
    );
}
