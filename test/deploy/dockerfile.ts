/** What the tests need of a Dockerfile and of .dockerignore. */
export interface Instruction {
  readonly keyword: string;
  readonly args: string;
}

/** A stage: its name or number, and what comes after its FROM. */
export interface Stage {
  readonly name: string;
  readonly from: string;
  readonly instructions: readonly Instruction[];
}

export interface Dockerfile {
  /** Before the first FROM. */
  readonly header: readonly Instruction[];
  readonly stages: readonly Stage[];
}

const KEYWORDS =
  /^(ADD|ARG|CMD|COPY|ENTRYPOINT|ENV|EXPOSE|FROM|HEALTHCHECK|LABEL|ONBUILD|RUN|SHELL|STOPSIGNAL|USER|VOLUME|WORKDIR)$/;

/** @throws Error naming the line that begins with no instruction */
export function parseDockerfile(text: string): Dockerfile {
  const lines = text
    .replace(/^\s*#.*\n/gm, "")
    .replace(/\\\n\s*/g, "")
    .split("\n")
    .filter((line) => line.trim() !== "");
  const header: Instruction[] = [];
  const stages: (Stage & { readonly instructions: Instruction[] })[] = [];
  for (const line of lines) {
    const [, keyword = "", args = ""] = /^(\S+)\s+(.*)$/.exec(line) ?? [];
    if (!KEYWORDS.test(keyword)) throw new Error(`no instruction: ${line}`);
    const from = /^(\S+)(?: AS (\S+))?$/.exec(args);
    if (keyword === "FROM") {
      stages.push({ name: from?.[2] ?? String(stages.length), from: from?.[1] ?? "", instructions: [] });
    } else (stages.at(-1)?.instructions ?? header).push({ keyword, args });
  }
  return { header, stages };
}

/** The arguments of each instruction of that keyword. */
export function argsOf({ instructions }: Stage, keyword: string): readonly string[] {
  return instructions.filter((instruction) => instruction.keyword === keyword).map(({ args }) => args);
}

export interface Copy {
  /** The stage that is copied from; undefined: the context. */
  readonly from: string | undefined;
  readonly sources: readonly string[];
  readonly target: string;
}

export function copiesOf(stage: Stage): readonly Copy[] {
  return argsOf(stage, "COPY").map((args) => {
    const words = args.split(/\s+/);
    const from = /^--from=(.*)$/.exec(words[0] ?? "")?.[1];
    const paths = from === undefined ? words : words.slice(1);
    return { from, sources: paths.slice(0, -1), target: paths.at(-1) ?? "" };
  });
}

/** Whether .dockerignore keeps `path` from the builder. Of its patterns, those that are names, and `*`. */
export function isIgnored(ignore: string, path: string): boolean {
  const rules = ignore.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
  const last = rules.findLast((rule) => {
    const pattern = rule.replace(/^!/, "");
    return pattern === "*" || path === pattern || path.startsWith(`${pattern}/`);
  });
  return last !== undefined && !last.startsWith("!");
}
