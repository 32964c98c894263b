/** GeneralizedTime as RFC 3161 wants it (section 2.4.2): UTC, with as many digits of the second as it takes, none of them a last zero. */
import { der, TAG } from "../../core/der.js";
import { utf8 } from "../../core/bytes.js";

const MICROS_PER_DAY = 86_400_000_000;

/** The time `micros` microseconds after 1970 began, which a number has exactly: up to the year 2255. */
export function generalizedTime(micros: number): Uint8Array {
  const days = Math.floor(micros / MICROS_PER_DAY);
  const inDay = micros - days * MICROS_PER_DAY;
  const seconds = Math.floor(inDay / 1_000_000);
  const { year, month, day } = dateOf(days);
  const time = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
  const digits = [month, day, ...time].map((field) => String(field).padStart(2, "0")).join("");
  const fraction = String(inDay % 1_000_000)
    .padStart(6, "0")
    .replace(/0+$/, "");
  return der(TAG.generalizedTime, utf8(`${year}${digits}${fraction === "" ? "" : `.${fraction}`}Z`));
}

/** Of the day so many days after 1 January 1970: in years that begin with March, a leap day is the last of its year. */
function dateOf(days: number): { readonly year: number; readonly month: number; readonly day: number } {
  // From 1 March 2000, where a period of 400 years begins.
  let rest = days - 11_017;
  const take = (length: number, most: number): number => {
    const count = Math.min(Math.floor(rest / length), most);
    rest -= count * length;
    return count;
  };
  const years = 400 * take(146_097, Infinity) + 100 * take(36_524, 3) + 4 * take(1461, Infinity) + take(365, 3);
  // March has 31 days, and so on: 153 in five months.
  const fromMarch = Math.floor((5 * rest + 2) / 153);
  const day = rest - Math.floor((153 * fromMarch + 2) / 5) + 1;
  const isNextYear = fromMarch >= 10;
  return { year: 2000 + years + (isNextYear ? 1 : 0), month: fromMarch + (isNextYear ? -9 : 3), day };
}
