/**
 * Builds the pages:
 *
 *     node src/web/build.mjs [DIRECTORY]      dist/web unless given
 *
 *     index.html    the simulator: one file without a request to anywhere, so that it works opened from a disk
 *     pages/        what replicas serve (src/cli/pages.ts): for each page NAME.html, NAME.css, NAME.js; its shell is that of all
 */
import { createHash } from "node:crypto";
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { rolldown } from "rolldown";

const here = import.meta.dirname;
const root = join(here, "..", "..");
const target = process.argv[2] ?? join(root, "dist", "web");

/** Served pages: a folder with main.html, main.ts and style.css each. `index` is at "/", another one at "/NAME". */
const PAGES = [
  { name: "index", folder: "notary", label: "Notary", title: "abcast notary" },
  { name: "auctions", folder: "auctions", label: "Auctions", title: "abcast auctions" },
];

/** Zod compiles its checks when it may; the policy of the simulator's page forbids that, and would report the attempt. */
const PROLOGUE = "globalThis.__zod_globalConfig = { jitless: true };";

const textOf = (...path) => readFileSync(join(here, ...path), "utf8");

async function bundle(input, intro = "") {
  const build = await rolldown({
    input: join(here, input),
    platform: "browser",
    resolve: { extensionAlias: { ".js": [".ts", ".js"] } },
    tsconfig: join(here, "tsconfig.json"),
    onLog(level, log) {
      throw new Error(`${level}: ${log.message}`);
    },
  });
  const { output } = await build.generate({ format: "iife", minify: true, intro });
  await build.close();
  if (output.length !== 1) throw new Error(`${output.length} files instead of one`);
  return output[0].code.trim();
}

function write(name, text) {
  const file = join(target, name);
  writeFileSync(file, text);
  console.log(`${relative(process.cwd(), file)}: ${Math.ceil(text.length / 1024)} KiB`);
}

/** `%NAME%` with the space around it. */
function filled(template, values) {
  return template.replace(/\s*%([A-Z]+)%\s*/g, (placeholder, name) => values[name] ?? placeholder);
}

async function buildSimulator() {
  const script = inline(
    (await bundle("simulator/main.ts", PROLOGUE)).replaceAll("</script", String.raw`<\/script`),
    "script",
  );
  const style = inline(textOf("simulator", "style.css"), "style");
  const policy = [
    "default-src 'none'",
    `script-src ${hashOf(script)}`,
    `style-src ${hashOf(style)}`,
    "base-uri 'none'",
    "form-action 'none'",
  ].join("; ");
  write("index.html", filled(textOf("simulator", "index.html"), { POLICY: policy, STYLE: style, SCRIPT: script }));
}

/** Within an element; what follows the tag belongs to the hash. */
function inline(text, name) {
  if (new RegExp(`</${name}`, "i").test(text)) throw new Error(`the ${name} contains its own end tag`);
  return text;
}

function hashOf(text) {
  return `'sha256-${createHash("sha256").update(text).digest("base64")}'`;
}

async function buildPage({ name, folder, title }) {
  const html = filled(textOf("common", "shell.html"), {
    NAME: name,
    TITLE: title,
    LINKS: PAGES.map((page) => linkTo(page, page.name === name)).join(""),
    MAIN: textOf(folder, "main.html"),
  });
  write(`pages/${name}.html`, html);
  write(`pages/${name}.css`, `${textOf("common", "style.css")}\n${textOf(folder, "style.css")}`);
  write(`pages/${name}.js`, await bundle(`${folder}/main.ts`));
}

function linkTo({ name, label }, isHere) {
  const href = name === "index" ? "/" : `/${name}`;
  return `<a href="${href}"${isHere ? ' aria-current="page"' : ""}>${label}</a>`;
}

mkdirSync(join(target, "pages"), { recursive: true });
await buildSimulator();
for (const page of PAGES) await buildPage(page);
copyFileSync(join(here, "common", "icon.svg"), join(target, "pages", "icon.svg"));
