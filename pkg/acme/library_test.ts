import assert from "node:assert/strict";

const SCRIPT = `
import { loadLibrary } from ${JSON.stringify(new URL("./library.ts", import.meta.url).href)};
const { Client, crypto, axios } = await loadLibrary();
const [, csr] = await crypto.createCsr({ altNames: ["a.example.com"] });
console.log(typeof Client, typeof axios.defaults.adapter, String(csr).includes("CERTIFICATE REQUEST"));
`;

/** The executable is made of a bundle, where a CommonJS module has other exports than in a checkout. */
Deno.test("the library is there in a bundle, as it is in a checkout", async () => {
  const folder = await Deno.makeTempDir({ dir: new URL("./", import.meta.url).pathname, prefix: ".bundle-" });
  try {
    await Deno.writeTextFile(`${folder}/script.ts`, SCRIPT);
    const flags = ["--quiet", "--platform", "deno", "--code-splitting", "--outdir", `${folder}/out`];
    await run(["bundle", ...flags, `${folder}/script.ts`]);
    const expected = "function function true";
    assert.equal((await run(["run", "-A", `${folder}/out/script.js`])).trim(), expected);
    assert.equal((await run(["run", "-A", "--no-check", `${folder}/script.ts`])).trim(), expected);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

async function run(args: readonly string[]): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), { args: [...args] }).output();
  if (!success) throw new Error(new TextDecoder().decode(stderr));
  return new TextDecoder().decode(stdout);
}
