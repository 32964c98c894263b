/**
 * Metrics as text, in the exposition format 0.0.4 of Prometheus
 * (https://prometheus.io/docs/instrumenting/exposition_formats/, "Text-based format").
 */

/** Of the answer that carries it. */
export const EXPOSITION_CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8";

export interface Sample {
  /** Names as of variables; values are any text, of which there are few: each makes a time series. */
  readonly labels?: Readonly<Record<string, string>>;
  readonly value: number;
}

/** All samples of one name. */
export interface MetricFamily {
  readonly name: string;
  readonly help: string;
  readonly type: "counter" | "gauge";
  readonly samples: readonly Sample[];
}

export function counter(name: string, help: string, ...samples: readonly Sample[]): MetricFamily {
  return { name, help, type: "counter", samples };
}

export function gauge(name: string, help: string, ...samples: readonly Sample[]): MetricFamily {
  return { name, help, type: "gauge", samples };
}

export function expose(families: readonly MetricFamily[]): string {
  return families.map(familyText).join("");
}

function familyText({ name, help, type, samples }: MetricFamily): string {
  const lines = samples.map(({ labels = {}, value }) => `${name}${labelsText(labels)} ${valueText(value)}\n`);
  return `# HELP ${name} ${escape(help)}\n# TYPE ${name} ${type}\n${lines.join("")}`;
}

function labelsText(labels: Readonly<Record<string, string>>): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${escape(value).replaceAll('"', '\\"')}"`);
  return pairs.length === 0 ? "" : `{${pairs.join(",")}}`;
}

function escape(text: string): string {
  return text.replaceAll("\\", "\\\\").replaceAll("\n", "\\n");
}

function valueText(value: number): string {
  if (value === Infinity) return "+Inf";
  if (value === -Infinity) return "-Inf";
  return String(value);
}
