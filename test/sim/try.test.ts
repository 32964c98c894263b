import { test } from "vitest";
import { simulate } from "../../src/sim/simulation.js";
test("try", () => {
  const start = performance.now();
  let fails = 0;
  const N = Number(process.env.SEEDS ?? 50);
  const n = Number(process.env.N ?? 4);
  const total: Record<string, number> = {};
  for (let seed = 1; seed <= N; seed++) {
    try {
      const r = simulate({ seed, n, order: seed % 2 ? "fixed" : "random", channels: seed % 5 === 0 ? ["abc", "other"] : ["abc"] });
      if (seed < 4) console.log(JSON.stringify(r));
      for (const [k, v] of Object.entries(r.actions)) total[k] = (total[k] ?? 0) + v;
      total.maxTries = Math.max(total.maxTries ?? 0, r.maxTries); total.steps = (total.steps??0)+r.steps;
    } catch (e) { if (fails++ < 8) console.log(seed, String(e), (e as Error).name === "Violation" ? "" : (e as Error).stack); }
  }
  console.log(total, `${fails} failed of ${N}, ${(performance.now() - start) / N} ms each`);
});
