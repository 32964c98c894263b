/**
 * Builds the page: one file without a request to anywhere, so that it works opened from a disk.
 *
 *     node src/web/build.mjs [FILE]      dist/web/index.html unless given
 */
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { rolldown } from "rolldown";

const here = import.meta.dirname;
const root = join(here, "..", "..");
const target = process.argv[2] ?? join(root, "dist", "web", "index.html");

/** Zod compiles its checks when it may; the policy of the page forbids that, and would report the attempt. */
const PROLOGUE = "globalThis.__zod_globalConfig = { jitless: true };";

async function bundle() {
  const build = await rolldown({
    input: join(here, "main.ts"),
    platform: "browser",
    resolve: { extensionAlias: { ".js": [".ts", ".js"] } },
    tsconfig: join(here, "tsconfig.json"),
    onLog(level, log) {
      throw new Error(`${level}: ${log.message}`);
    },
  });
  const { output } = await build.generate({ format: "iife", minify: true, intro: PROLOGUE });
  await build.close();
  if (output.length !== 1) throw new Error(`${output.length} files instead of one`);
  return output[0].code.trim();
}

/** Within an element; what follows the tag belongs to the hash. */
function inline(text, name) {
  if (new RegExp(`</${name}`, "i").test(text)) throw new Error(`the ${name} contains its own end tag`);
  return text;
}

function hashOf(text) {
  return `'sha256-${createHash("sha256").update(text).digest("base64")}'`;
}

const script = inline((await bundle()).replaceAll("</script", String.raw`<\/script`), "script");
const style = inline(readFileSync(join(here, "style.css"), "utf8"), "style");
const policy = [
  "default-src 'none'",
  `script-src ${hashOf(script)}`,
  `style-src ${hashOf(style)}`,
  "base-uri 'none'",
  "form-action 'none'",
].join("; ");
const values = { POLICY: policy, STYLE: style, SCRIPT: script };
const page = readFileSync(join(here, "index.html"), "utf8").replace(
  /\s*%(POLICY|STYLE|SCRIPT)%\s*/g,
  (_, name) => values[name],
);
mkdirSync(dirname(target), { recursive: true });
writeFileSync(target, page);
console.log(`${relative(process.cwd(), target)}: ${Math.ceil(page.length / 1024)} KiB`);
