/** Builds the files of the dashboard: one page, its code and its style, with names by content and compressed forms beside them. */
import { createHash } from "node:crypto";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";
import { run } from "./run.ts";

const ROOT = new URL("../../", import.meta.url).pathname;
const SOURCES = ["svc/dashboard", "proto/gen/ctrl/v1", "dev/compiling/dashboard.ts", "deno.lock"];
const STAMP = "sources.sha256";

/** Builds into `folder`, unless it was built there from the same sources. True if it was built. */
export async function buildDashboard(folder: string): Promise<boolean> {
  const digest = await digestOf(SOURCES);
  const known = await Deno.readTextFile(`${folder}/${STAMP}`).catch(() => "");
  if (known === digest) return false;
  await Deno.mkdir(folder, { recursive: true });
  // Beside its place and moved there, so that an api that runs meanwhile serves whole files only.
  const fresh = await Deno.makeTempDir({ dir: folder, prefix: ".new-" });
  try {
    await writeFiles(fresh);
    await Deno.writeTextFile(`${fresh}/${STAMP}`, digest);
    await Deno.remove(`${folder}/assets`, { recursive: true }).catch(() => undefined);
    for await (const { name } of Deno.readDir(fresh)) {
      await Deno.rename(`${fresh}/${name}`, `${folder}/${name}`);
    }
  } finally {
    await Deno.remove(fresh, { recursive: true });
  }
  return true;
}

async function writeFiles(folder: string): Promise<void> {
  await Deno.mkdir(`${folder}/assets`);
  const flags = ["--platform", "browser", "--minify", "--code-splitting", "--outdir", `${folder}/bundled`];
  const { ok, stderr } = await run(Deno.execPath(), [
    "bundle",
    "--quiet",
    ...flags,
    "svc/dashboard/main.tsx",
  ]);
  if (!ok) throw new Error(`deno bundle failed:\n${stderr}`);
  const code = await Deno.readFile(`${folder}/bundled/main.js`);
  for await (const { name } of Deno.readDir(`${folder}/bundled`)) {
    // Parts that are loaded later have a hash in their names already, by which the others import them.
    if (name === "main.js") continue;
    await writeCompressed(`${folder}/assets/${name}`, await Deno.readFile(`${folder}/bundled/${name}`));
  }
  await Deno.remove(`${folder}/bundled`, { recursive: true });
  const script = await writeAsset(folder, "main", "js", code);
  const style = await writeAsset(
    folder,
    "style",
    "css",
    await Deno.readFile(`${ROOT}svc/dashboard/style.css`),
  );
  const icon = await writeAsset(folder, "icon", "svg", await Deno.readFile(`${ROOT}svc/dashboard/icon.svg`));
  await writeCompressed(`${folder}/index.html`, new TextEncoder().encode(page({ script, style, icon })));
}

async function writeAsset(
  folder: string,
  name: string,
  extension: string,
  bytes: Uint8Array<ArrayBuffer>,
): Promise<string> {
  const hash = createHash("sha256").update(bytes).digest("hex").slice(0, 16);
  const path = `assets/${name}.${hash}.${extension}`;
  await writeCompressed(`${folder}/${path}`, bytes);
  return `/${path}`;
}

async function writeCompressed(path: string, bytes: Uint8Array<ArrayBuffer>): Promise<void> {
  const params = { [constants.BROTLI_PARAM_QUALITY]: constants.BROTLI_MAX_QUALITY };
  await Deno.writeFile(path, bytes);
  await Deno.writeFile(`${path}.br`, new Uint8Array(brotliCompressSync(bytes, { params })));
  await Deno.writeFile(`${path}.gz`, new Uint8Array(gzipSync(bytes, { level: 9 })));
}

function page({ script, style, icon }: Readonly<Record<"script" | "style" | "icon", string>>): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Unkey</title>
<link rel="icon" href="${icon}">
<link rel="stylesheet" href="${style}">
<script type="module" src="${script}"></script>
</head>
<body>
<div id="app"></div>
<noscript>The dashboard needs JavaScript. The command line shows the same: unkey status, unkey logs.</noscript>
</body>
</html>
`;
}

/** Of names and contents of all files below these paths. */
async function digestOf(paths: readonly string[]): Promise<string> {
  const hash = createHash("sha256");
  for (const path of paths) {
    for (const file of (await filesOf(path)).toSorted()) {
      hash.update(`${file}\0`).update(createHash("sha256").update(await Deno.readFile(ROOT + file)).digest());
    }
  }
  return hash.digest("hex");
}

async function filesOf(path: string): Promise<string[]> {
  if ((await Deno.stat(ROOT + path)).isFile) return [path];
  const entries = await Array.fromAsync(Deno.readDir(ROOT + path));
  return (await Promise.all(entries.map(({ name }) => filesOf(`${path}/${name}`)))).flat()
    .filter((each) => !/_test\.tsx?$/.test(each));
}
