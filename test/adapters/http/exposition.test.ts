import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { counter, expose, gauge } from "../../../src/adapters/http/exposition.js";
import { ProcessMetrics } from "../../../src/adapters/http/process-metrics.js";
import { parseExposition, sampleKey } from "../../support/exposition.js";

describe("the exposition format", () => {
  it("is as in the specification", () => {
    // Lines of the example in https://prometheus.io/docs/instrumenting/exposition_formats/, without time stamps.
    const text = expose([
      counter(
        "http_requests_total",
        "The total number of HTTP requests.",
        { labels: { method: "post", code: "200" }, value: 1027 },
        { labels: { method: "post", code: "400" }, value: 3 },
      ),
      gauge("msdos_file_access_time_seconds", "Escaping in label values:", {
        labels: { path: "C:\\DIR\\FILE.TXT", error: 'Cannot find file:\n"FILE.TXT"' },
        value: 1.458255915e9,
      }),
      gauge("something_weird", "Infinite.", { labels: { problem: "division by zero" }, value: Infinity }),
    ]);
    expect(text).toBe(
      [
        "# HELP http_requests_total The total number of HTTP requests.",
        "# TYPE http_requests_total counter",
        'http_requests_total{method="post",code="200"} 1027',
        'http_requests_total{method="post",code="400"} 3',
        "# HELP msdos_file_access_time_seconds Escaping in label values:",
        "# TYPE msdos_file_access_time_seconds gauge",
        'msdos_file_access_time_seconds{path="C:\\\\DIR\\\\FILE.TXT",error="Cannot find file:\\n\\"FILE.TXT\\""} 1458255915',
        "# HELP something_weird Infinite.",
        "# TYPE something_weird gauge",
        'something_weird{problem="division by zero"} +Inf',
        "",
      ].join("\n"),
    );
  });

  it("gives back what went in, whatever the labels and numbers", () => {
    const hostile = fc.string({ unit: fc.constantFrom("\\", '"', "\n", "n", "{", "}", ",", "=", " ", "#", "é") });
    const number = fc.oneof(fc.double(), fc.constantFrom(Infinity, -Infinity, Number.NaN, 0));
    const label = fc.record({ peer: fc.nat(255).map(String), fault: hostile });
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.tuple(label, number), { selector: ([labels]) => sampleKey("x", labels) }),
        hostile,
        (samples, help) => {
          const family = gauge("abcast_x", help, ...samples.map(([labels, value]) => ({ labels, value })));
          const parsed = parseExposition(expose([family, counter("abcast_y_total", help, { value: 1 })]));
          expect(parsed.families).toEqual(
            new Map([
              ["abcast_x", { type: "gauge", help }],
              ["abcast_y_total", { type: "counter", help }],
            ]),
          );
          const expected = samples.map(([labels, value]): [string, number] => [
            sampleKey("abcast_x", labels),
            // The text has one zero.
            value === 0 ? 0 : value,
          ]);
          expect(parsed.samples).toEqual(new Map([...expected, [sampleKey("abcast_y_total"), 1]]));
        },
      ),
      { seed: 1, numRuns: 300 },
    );
  });
});

describe("the metrics of the process", () => {
  it("tell CPU, memory, and how late the event loop was", async () => {
    const metrics = new ProcessMetrics();
    try {
      const value = (name: string): number =>
        parseExposition(expose(metrics.families())).samples.get(sampleKey(name)) ?? Number.NaN;
      expect(value("nodejs_eventloop_lag_max_seconds")).toBe(0);
      const cpuBefore = value("process_cpu_seconds_total");
      // Several turns: the first look at the event loop has nothing to compare with.
      for (let turn = 0; turn < 3; turn++) {
        await new Promise((resolve) => setTimeout(resolve, 30));
        const endMs = performance.now() + 120;
        while (performance.now() < endMs);
      }
      await new Promise((resolve) => setTimeout(resolve, 30));
      expect(value("nodejs_eventloop_lag_max_seconds")).toBeGreaterThan(0.05);
      expect(value("nodejs_eventloop_lag_p50_seconds")).toBeLessThanOrEqual(value("nodejs_eventloop_lag_p99_seconds"));
      expect(value("process_cpu_seconds_total")).toBeGreaterThan(cpuBefore);
      expect(value("process_resident_memory_bytes")).toBeGreaterThan(1 << 20);
      expect(value("nodejs_heap_size_used_bytes")).toBeGreaterThan(1 << 20);
      expect(Math.abs(value("process_start_time_seconds") + process.uptime() - Date.now() / 1000)).toBeLessThan(2);
    } finally {
      metrics.close();
    }
  });
});
