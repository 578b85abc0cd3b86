/**
 * Generates `proto/gen` from `proto/**`, `docs/openapi.json` from the REST routes, and the Helm chart from
 * `dev/k8s/manifests`. With `--check` it generates elsewhere and fails when the committed files differ.
 *
 * Works offline: buf and the plugin are npm packages, pinned here because nothing else uses them.
 */
import { spawnSync } from "node:child_process";
import process from "node:process";
import { staleFiles, writeChart } from "./k8s/generate/main.ts";

const BUF = "npm:@bufbuild/buf@1.74.0";
const PLUGIN = "npm:@bufbuild/protoc-gen-es@2.17.0";
const OUT = "proto/gen";
const DOCUMENT = "docs/openapi.json";

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

async function generate(out: string, document: string): Promise<void> {
  run(["run", "-A", `${BUF}/buf`, "generate", "--template", template(out)]);
  // The routes import the generated messages, so they are loaded after those are there.
  const { openApiText } = await import("./openapi_file.ts");
  await Deno.writeTextFile(document, openApiText());
}

function compare(committed: string, fresh: string): void {
  const { status } = spawnSync("diff", ["-r", committed, fresh], { stdio: "inherit" });
  if (status === 0) return;
  throw new Error(`${committed} is not what its sources make: run "deno task gen" and commit the result`);
}

if (process.argv.includes("--check")) {
  const stale = await staleFiles();
  if (stale.length > 0) {
    throw new Error(
      `dev/k8s/chart does not match dev/k8s/manifests (${stale.join(", ")}): run "deno task gen"`,
    );
  }
  const folder = await Deno.makeTempDir({ prefix: "unkey-gen-" });
  const [fresh, document] = [`${folder}/gen`, `${folder}/openapi.json`];
  try {
    await generate(fresh, document);
    compare(OUT, fresh);
    compare(DOCUMENT, document);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
} else {
  await generate(OUT, DOCUMENT);
  await writeChart();
}
