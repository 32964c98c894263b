/** Reads Prometheus' exposition format 0.0.4, and refuses what a strict reader would. */

export interface Exposition {
  /** By name. */
  readonly families: ReadonlyMap<string, { readonly type: string; readonly help: string }>;
  /** By name and labels as JSON, such as `up {"peer":"1"}`; labels are sorted by name. */
  readonly samples: ReadonlyMap<string, number>;
}

export function sampleKey(name: string, labels: Readonly<Record<string, string>> = {}): string {
  return `${name} ${JSON.stringify(Object.fromEntries(Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1))))}`;
}

const NAME = "[a-zA-Z_:][a-zA-Z0-9_:]*";
const COMMENT = new RegExp(`^# (HELP|TYPE) (${NAME}) (.*)$`);
const SAMPLE = new RegExp(`^(${NAME})(?:\\{(.*)\\})? (NaN|[+-]Inf|[+-]?[0-9.]+(?:e[+-]?[0-9]+)?)$`);
const LABEL = /^([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\[\\"n])*)"(?:,|$)/;

/** @throws Error naming the line */
export function parseExposition(text: string): Exposition {
  const families = new Map<string, { type: string; help: string }>();
  const samples = new Map<string, number>();
  if (!text.endsWith("\n")) throw new Error("the last line has no line feed");
  let help: { name: string; text: string } | undefined;
  let current = "";
  for (const line of text.slice(0, -1).split("\n")) {
    const [, kind, commented = "", rest = ""] = COMMENT.exec(line) ?? [];
    if (kind === "HELP") help = { name: commented, text: unescape(rest) };
    else if (kind === "TYPE") {
      if (help?.name !== commented || families.has(commented)) throw new Error(`no place for it: ${line}`);
      if (!["counter", "gauge"].includes(rest)) throw new Error(`no type: ${line}`);
      families.set(commented, { type: rest, help: help.text });
      current = commented;
    } else {
      const [, name = "", labels = "", value = ""] = SAMPLE.exec(line) ?? [];
      if (name === "" || name !== current) throw new Error(`no sample of ${current}: ${line}`);
      const key = sampleKey(name, parseLabels(labels));
      if (samples.has(key)) throw new Error(`twice: ${line}`);
      samples.set(key, Number(value.replace("Inf", "Infinity")));
    }
  }
  return { families, samples };
}

function parseLabels(text: string): Record<string, string> {
  const labels: Record<string, string> = {};
  for (let rest = text; rest !== "";) {
    const [whole, name, value] = LABEL.exec(rest) ?? [];
    if (whole === undefined || name === undefined || value === undefined) throw new Error(`no labels: ${text}`);
    if (name in labels) throw new Error(`a label twice: ${text}`);
    labels[name] = unescape(value);
    rest = rest.slice(whole.length);
  }
  return labels;
}

function unescape(text: string): string {
  return text.replace(/\\([\\"n])/g, (_, letter: string) => (letter === "n" ? "\n" : letter));
}
