import assert from "node:assert/strict";
import { BOUNDS } from "../bench/bounds.ts";

const ROOT = new URL("../../", import.meta.url).pathname;

async function benches(): Promise<Set<string>> {
  const source = await Deno.readTextFile(`${ROOT}tests/bench/main.ts`);
  const [, body = ""] = /const BENCHES[^{]*\{([^}]*)\}/.exec(source) ?? [];
  return new Set([...body.matchAll(/^ +(\w+):/gm)].map(([, name = ""]) => name));
}

Deno.test("docs/bounds.md has a row for every bound, with a bench that exists", async () => {
  const page = await Deno.readTextFile(`${ROOT}docs/bounds.md`);
  const rows = [...page.matchAll(/^\|.*\| +`([^`]+)` +\| +`deno task bench (\w+)` +\|/gm)];
  const texts = Object.values(BOUNDS).map(({ text }) => text);
  assert.deepEqual(new Set(rows.map(([, text]) => text)), new Set(texts));
  const known = await benches();
  for (const [, text, name = ""] of rows) assert.ok(known.has(name), `${text}: no bench ${name}`);
});

Deno.test("every bound is used by a bench", async () => {
  let sources = "";
  for (const folder of ["tests/bench", "tests/bench/scale"]) {
    for await (const { name, isFile } of Deno.readDir(`${ROOT}${folder}`)) {
      if (isFile && name !== "bounds.ts") sources += await Deno.readTextFile(`${ROOT}${folder}/${name}`);
    }
  }
  const unused = Object.keys(BOUNDS).filter((name) => !new RegExp(`BOUNDS\\.${name}\\b`).test(sources));
  assert.deepEqual(unused, []);
});
