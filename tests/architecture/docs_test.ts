/** The pages for maintainers name files that exist and rules that are in force. */
import assert from "node:assert/strict";
import { RULES } from "./rules.ts";

const ROOT = new URL("../../", import.meta.url);
const ARCHITECTURE = new URL("docs/architecture.md", ROOT);
const BEGIN = "<!-- layer rules: generated -->\n";
const END = "<!-- end of layer rules -->";
/** `UPDATE_GOLDEN=1` writes the list anew. */
const UPDATE = Deno.env.get("UPDATE_GOLDEN") === "1";

async function* pages(folder: URL): AsyncGenerator<URL> {
  for await (const entry of Deno.readDir(folder)) {
    if (entry.isDirectory) yield* pages(new URL(`${entry.name}/`, folder));
    else if (entry.name.endsWith(".md")) yield new URL(entry.name, folder);
  }
}

Deno.test("docs/architecture.md lists every layer rule", async () => {
  const text = await Deno.readTextFile(ARCHITECTURE);
  const [before, rest] = split(text, BEGIN);
  const [, after] = split(rest, END);
  const list = RULES.map(({ name }) => `- ${name}\n`).join("");
  const expected = `${before}${BEGIN}\n${list}\n${END}${after}`;
  if (UPDATE) await Deno.writeTextFile(ARCHITECTURE, expected);
  else assert.equal(text, expected, "deno task golden writes the list");
});

function split(text: string, mark: string): [before: string, after: string] {
  const index = text.indexOf(mark);
  assert.ok(index >= 0, `the page has the mark ${mark.trim()}`);
  return [text.slice(0, index), text.slice(index + mark.length)];
}

/** Paths of the checkout in code spans and links; `<name>` and `…` stand for something that the reader makes. */
function pathsIn(text: string): string[] {
  const spans = [...text.matchAll(/`([^`\n]+)`/g)].map(([, span = ""]) => span);
  return spans.filter((span) =>
    /^(main\.ts$|(cmd|svc|pkg|proto|tests|dev|docs|examples)\/)[\w./{},-]*$/.test(span)
  );
}

/** Names that the reader replaces, and files that `dev/compose-secrets` makes. */
const PLACEHOLDER = /foo|NNNN|^dev\/(?:secrets\/|\.env$)/;

/** `a/{b,c}.ts` stands for both files. */
function expand(path: string): string[] {
  const [, before, names, after] = path.match(/^([^{]*)\{([^}]*)\}(.*)$/) ?? [];
  if (before === undefined || names === undefined) return [path];
  return names.split(",").flatMap((name) => expand(`${before}${name}${after ?? ""}`));
}

Deno.test("every path and link in the documentation leads to a file of the checkout", async (t) => {
  const roots = ["README.md", "CONTRIBUTING.md"].map((name) => new URL(name, ROOT));
  const all = [...roots];
  for await (const page of pages(new URL("docs/", ROOT))) all.push(page);
  assert.ok(all.length > 10, "the scan finds the pages");
  for (const page of all) {
    const name = page.pathname.slice(ROOT.pathname.length);
    await t.step(name, async () => {
      const text = await Deno.readTextFile(page);
      const missing: string[] = [];
      for (const path of pathsIn(text).flatMap(expand)) {
        if (PLACEHOLDER.test(path)) continue;
        if (!await exists(new URL(path, ROOT))) missing.push(path);
      }
      for (const [, link = ""] of text.matchAll(/\]\(([^)#\s]+)[^)]*\)/g)) {
        if (!/^[a-z]+:/.test(link) && !await exists(new URL(link, page))) missing.push(link);
      }
      assert.deepEqual(missing, []);
    });
  }
});

async function exists(path: URL): Promise<boolean> {
  return await Deno.stat(path).then(() => true, () => false);
}
