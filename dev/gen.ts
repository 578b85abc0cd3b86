/**
 * Generates `proto/gen` from `proto/**`. With `--check` it generates elsewhere and fails when the committed code differs.
 *
 * Works offline: buf and the plugin are npm packages, pinned here because nothing else uses them.
 */
import { spawnSync } from "node:child_process";
import process from "node:process";

const BUF = "npm:@bufbuild/buf@1.74.0";
const PLUGIN = "npm:@bufbuild/protoc-gen-es@2.17.0";
const OUT = "proto/gen";

function run(args: string[]): void {
  const { status } = spawnSync(Deno.execPath(), args, { stdio: "inherit" });
  if (status !== 0) throw new Error(`deno ${args.join(" ")} failed with exit code ${status}`);
}

/** A buf template whose plugin runs under this same Deno, so that nothing has to be on PATH. */
function template(out: string): string {
  return JSON.stringify({
    version: "v2",
    clean: true,
    plugins: [{
      local: [Deno.execPath(), "run", "-A", `${PLUGIN}/protoc-gen-es`],
      out,
      opt: ["target=ts", "import_extension=ts"],
    }],
  });
}

function generate(out: string): void {
  run(["run", "-A", `${BUF}/buf`, "generate", "--template", template(out)]);
}

if (process.argv.includes("--check")) {
  const fresh = await Deno.makeTempDir({ prefix: "unkey-gen-" });
  try {
    generate(fresh);
    const { status } = spawnSync("diff", ["-r", OUT, fresh], { stdio: "inherit" });
    if (status !== 0) {
      throw new Error(`${OUT} does not match proto/: run "deno task gen" and commit the result`);
    }
  } finally {
    await Deno.remove(fresh, { recursive: true });
  }
} else {
  generate(OUT);
}
