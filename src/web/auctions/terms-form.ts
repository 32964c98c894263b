/** The form that begins an auction. */
import { MAX_CRITERIA, type Terms } from "../../services/bidding/index.js";
import { byId } from "../common/dom.js";

type Criteria = Extract<Terms, { readonly kind: "tender" }>["criteria"];

const MAX_U32 = 0xffff_ffff;
const MINUTE_MS = 60_000;

const field = (id: string): HTMLInputElement => byId(id, HTMLInputElement);

/** Shows the fields of the kind that is chosen, and no others. */
export function followKind(): void {
  const kind = byId("kind", HTMLSelectElement);
  const show = (): void => {
    for (const element of document.querySelectorAll<HTMLElement>("[data-kinds]")) {
      element.hidden = !(element.dataset["kinds"] ?? "").split(" ").includes(kind.value);
      // What is hidden must not keep the form from being sent.
      for (const input of element.querySelectorAll("input")) input.disabled = element.hidden;
    }
    field("may-replace").disabled = kind.value === "open";
  };
  kind.addEventListener("change", show);
  show();
}

/** @throws Error that says which field is wrong */
export function termsOfForm(nowMs: number): Terms {
  const minutes = field("minutes").value.trim();
  const common = {
    title: field("title").value.trim(),
    unit: field("unit").value.trim(),
    bidders: [],
    closesAtMs: minutes === "" ? undefined : nowMs + Math.round(Number(minutes) * MINUTE_MS),
  };
  const mayWithdraw = field("may-withdraw").checked;
  const sealed = { ...common, mayReplace: field("may-replace").checked, mayWithdraw };
  switch (byId("kind", HTMLSelectElement).value) {
    case "sealed-first":
      return { kind: "sealed-first", ...sealed, reserve: amountIn("reserve", "reserve") };
    case "sealed-second":
      return { kind: "sealed-second", ...sealed, reserve: amountIn("reserve", "reserve") };
    case "open": {
      const [reserve, increment] = [amountIn("reserve", "reserve"), amountIn("increment", "increment")];
      return { kind: "open", ...common, mayWithdraw, reserve, increment };
    }
    default: {
      const maxPrice = amountIn("max-price", "highest price");
      return { kind: "tender", ...sealed, maxPrice, priceWeight: 1, criteria: criteriaOf() };
    }
  }
}

function amountIn(id: string, name: string): number {
  return wholeOf(field(id).value, name);
}

/** @throws Error with `name` in it */
export function wholeOf(text: string, name: string, max = Number.MAX_SAFE_INTEGER): number {
  const value = Number(text.trim());
  if (/^[0-9]+$/.test(text.trim()) && value <= max) return value;
  throw new Error(`${name}: a whole number up to ${max.toLocaleString()} is needed, not “${text}”`);
}

function criteriaOf(): Criteria {
  const lines = byId("criteria", HTMLTextAreaElement)
    .value.split("\n")
    .filter((line) => line.trim() !== "");
  if (lines.length > MAX_CRITERIA) throw new Error(`at most ${MAX_CRITERIA} criteria`);
  return lines.map((line) => {
    const [name = "", points = "", most = "", ...more] = line.split(",").map((part) => part.trim());
    if (name === "" || more.length > 0) throw new Error(`criteria: “${line}” is no “name, points, most units”`);
    const isMinus = points.startsWith("-");
    return {
      name,
      weight: wholeOf(points.replace(/^-/, ""), `points of ${name}`, MAX_U32),
      effect: isMinus ? ("subtracts" as const) : ("adds" as const),
      max: wholeOf(most, `most units of ${name}`, MAX_U32),
    };
  });
}
