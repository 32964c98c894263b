import { defineConfig } from "vitest/config";
import { testsOfBothModes } from "./test/support/both-modes.js";
import { LongestFirst } from "./test/support/longest-first.js";

export default defineConfig({
  test: {
    environment: "node",
    globalSetup: ["test/support/build.ts"],
    // What hangs is found; what is slow, on a machine that has other work, is no failure. No test has a shorter time of its own.
    testTimeout: 900_000,
    hookTimeout: 900_000,
    pool: "forks",
    // The machines that run this have two cores, and clusters of processes are among the tests.
    maxWorkers: 2,
    sequence: { sequencer: LongestFirst },
    projects: [
      { extends: true, test: { name: "all", include: ["test/**/*.test.ts"] } },
      // Replicas pass the same tests whichever way payloads get to all of them.
      {
        extends: true,
        test: { name: "certified", include: testsOfBothModes(), env: { DISSEMINATION: "certified" } },
      },
    ],
  },
});
