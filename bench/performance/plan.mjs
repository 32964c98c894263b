/** What `npm run bench:performance` measures. */

const COMMON = {
  n: 4,
  service: "log",
  payload: 256,
  rate: null,
  clients: 4,
  durability: "sync",
  // What is fast; one measurement is of the other.
  dissemination: "certified",
  certificates: "multisig",
  crash: 0,
  byzantine: null,
};

/** Payloads a second that are next to nothing: one, before anything is measured. */
const IDLE_RATE = 1e-6;
/** So that code is as compiled as it is where somebody works all day. */
const WARM_SECONDS = 20;
/** So that its client waits for each. */
const ALONE = { rate: 8, warmUpSeconds: WARM_SECONDS };
export const TARGET_RATE = 250_000;
export const OFFERED_RATE = 100_000;

/** Lengths in seconds, and what is left out. */
export const FORMS = {
  full: { seconds: 8, warmUpSeconds: 8, idleSeconds: 10, sustainedSeconds: 60, isShort: false },
  // Long enough that on a slow machine the first requests are through, and the one before an idle time.
  short: { seconds: 3, warmUpSeconds: 4, idleSeconds: 1, sustainedSeconds: 3, isShort: true },
};

/**
 * Names of measurements, and their settings as a function of what was found before: how many payloads go through.
 * @param {typeof FORMS.full} form
 */
export function plan({ seconds, warmUpSeconds, idleSeconds, sustainedSeconds, isShort }) {
  const settings = (own) => ({ ...COMMON, seconds, warmUpSeconds, ...own });
  const fixed = (name, own) => ({ name, settings: () => settings(own) });
  const share = (name, part, own = {}) => ({
    name,
    settings: (most) => settings({ rate: Math.max(1, Math.round(part * most)), ...own }),
  });
  const saturated = fixed("as many as go through", {});
  const idle = fixed("idle", { rate: IDLE_RATE, seconds: idleSeconds });
  if (isShort) return [saturated, share("at 50 %", 0.5), idle];
  return [
    saturated,
    ...[0.1, 0.25, 0.5, 0.75, 0.9].map((part) => share(`at ${100 * part} %`, part)),
    fixed("one client alone", { ...ALONE, clients: 1, seconds: idleSeconds }),
    fixed("100,000/s offered", { rate: OFFERED_RATE, warmUpSeconds: WARM_SECONDS }),
    {
      name: "sustained",
      settings: (most) => {
        const rate = Math.min(TARGET_RATE, Math.round(0.8 * most));
        return settings({ rate, seconds: sustainedSeconds, warmUpSeconds: WARM_SECONDS });
      },
    },
    idle,
    fixed("one crashed", { crash: 1 }),
    ...["withhold", "equivocate", "bad-shares"].map((byzantine) => fixed(`Byzantine: ${byzantine}`, { byzantine })),
    ...[7, 10, 16].map((n) => fixed(`n=${n}`, { n })),
    ...[64, 1024, 4096, 16_384].map((payload) => fixed(`${payload} bytes`, { payload })),
    fixed("inline", { dissemination: "inline" }),
    fixed("async", { durability: "async" }),
    fixed("threshold certificates", { certificates: "threshold" }),
  ];
}
