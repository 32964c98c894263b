/** JSON as this project's formatter leaves it: bytes in hexadecimal, large integers as decimal text, short lists on one line. */
const WIDTH = 120;

export function formatJson(value) {
  return `${format(plain(value), 0, 0)}\n`;
}

function plain(value) {
  if (value instanceof Uint8Array) return Buffer.from(value).toString("hex");
  if (typeof value === "bigint") return String(value);
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, item]) => item !== undefined)
      .map(([key, item]) => [key, plain(item)]),
  );
}

/** `used`: columns taken by what stands before the value on its line. */
function format(value, indent, used) {
  const inline = onOneLine(value);
  // One column more for a comma behind it.
  const fits = inline !== undefined && used + inline.length + 1 <= WIDTH;
  if (fits || typeof value !== "object") return inline;
  const [open, close] = Array.isArray(value) ? ["[", "]"] : ["{", "}"];
  const margin = " ".repeat(indent + 2);
  const items = Array.isArray(value)
    ? value.map((item) => margin + format(item, indent + 2, indent + 2))
    : Object.entries(value).map(([key, item]) => {
        const start = `${margin}${JSON.stringify(key)}: `;
        return start + format(item, indent + 2, start.length);
      });
  return `${open}\n${joined(value, items, margin)}\n${" ".repeat(indent)}${close}`;
}

/** Numbers fill lines, anything else has a line of its own. */
function joined(value, items, margin) {
  if (!isOfNumbers(value)) return items.join(",\n");
  const lines = [];
  for (const item of items.map((text) => text.trim())) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + item.length + 3 <= WIDTH) lines[lines.length - 1] = `${last}, ${item}`;
    else lines.push(margin + item);
  }
  return lines.join(",\n");
}

function isOfNumbers(value) {
  return Array.isArray(value) && value.every((item) => typeof item === "number");
}

/** Undefined when the value never stands on one line. */
function onOneLine(value) {
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  const isList = Array.isArray(value);
  if (!isList && !isSmall(value)) return undefined;
  if (isList && value.length > 1 && (value.every(isObject) || value.every(isLongList))) return undefined;
  const items = Object.entries(value).map(([key, item]) => {
    const text = onOneLine(item);
    return text === undefined || isList ? text : `${JSON.stringify(key)}: ${text}`;
  });
  if (items.includes(undefined)) return undefined;
  if (isList) return `[${items.join(", ")}]`;
  return items.length === 0 ? "{}" : `{ ${items.join(", ")} }`;
}

/** A term, or a gate of a formula. */
function isSmall(value) {
  return Object.keys(value).every((key) => ["leaf", "coefficient", "threshold", "of"].includes(key));
}

function isObject(value) {
  return typeof value === "object" && value !== null && !Array.isArray(value) && Object.keys(value).length > 1;
}

function isLongList(value) {
  return Array.isArray(value) && value.length > 1;
}
