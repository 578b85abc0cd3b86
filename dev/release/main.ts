// deno-lint-ignore-file no-console -- a script whose output is for a person
/**
 * Makes all files of a release in `dist/release/`: archives of the executables, packages for npm, Debian and Homebrew,
 * the install script, hashes with their signature, provenance and notes.
 *
 *   deno task release --new-key > key.json          once: keep it where only releases are made
 *   UNKEY_RELEASE_KEY=... deno task release --url https://github.com/<owner>/<repository>/releases
 *
 *   --out FOLDER      default: dist/release
 *   --target NAME     only this target; several times for several (default: all)
 *   --allow-changes   also of a checkout that differs from its commit, for trying it
 *
 * A target that cannot be compiled here is named with the reason, and the exit code is 1: a release has all of them.
 */
import { createHash, createPrivateKey, createPublicKey } from "node:crypto";
import { Buffer } from "node:buffer";
import { parseArgs } from "node:util";
import {
  type BuildInfo,
  newKeyPair,
  type ReleaseFile,
  sign,
  SUMS,
  targetNamed,
  TARGETS,
} from "../../pkg/release/mod.ts";
import { bundle } from "../compiling/bundle.ts";
import { compileFor } from "../compiling/executable.ts";
import { writeArchive } from "./archives.ts";
import { writeDebianPackage } from "./debian.ts";
import { readFacts, type ReleaseFacts } from "./facts.ts";
import { homebrewFormula } from "./homebrew.ts";
import { writeNpmPackage } from "./npm.ts";
import { provenance } from "./provenance.ts";
import { walkFiles } from "./walk_files.ts";

const ROOT = new URL("../../", import.meta.url).pathname;

const { values } = parseArgs({
  args: Deno.args,
  options: {
    url: { type: "string" },
    out: { type: "string", default: `${ROOT}dist/release` },
    target: { type: "string", multiple: true },
    "allow-changes": { type: "boolean" },
    "new-key": { type: "boolean" },
  },
});
const folder = values.out;
if (values["new-key"] === true) console.log(JSON.stringify(newKeyPair()));
else Deno.exitCode = await inBuildFolder(release);

async function inBuildFolder(work: (build: string) => Promise<number>): Promise<number> {
  const build = await Deno.makeTempDir({ prefix: "unkey-release-" });
  try {
    return await work(build);
  } finally {
    await Deno.remove(build, { recursive: true });
  }
}

async function release(build: string): Promise<number> {
  const { url } = values;
  const privateKey = Deno.env.get("UNKEY_RELEASE_KEY") ?? "";
  if (url === undefined || privateKey === "") {
    console.error("A release needs --url, and the private key of --new-key in UNKEY_RELEASE_KEY.");
    return 2;
  }
  const publicKey = publicKeyOf(privateKey);
  const facts = await readFacts({ allowChanges: values["allow-changes"] === true });
  const info: BuildInfo = { url, publicKey, packaging: "archive", commit: facts.commit };
  await bundle(`${build}/bundle`, JSON.stringify(info));
  await Deno.remove(folder, { recursive: true }).catch(() => undefined); // the release before
  await Deno.mkdir(folder, { recursive: true });
  const missing = await writePrograms(build, facts);
  await writeNpmPackage(folder, `${build}/bundle`, info, facts);
  const script = await Deno.readTextFile(`${ROOT}dev/release/install.sh`);
  await writeText("install.sh", script.replaceAll("@URL@", url).replaceAll("@PUBLIC_KEY@", publicKey));
  await writeText("unkey.rb", homebrewFormula(url, await hashes(), facts));
  await writeText("NOTES.md", `${facts.notes}\n`);
  const files = await hashes();
  const lockSha256 = sha256(await Deno.readFile(`${ROOT}deno.lock`));
  const repository = url.replace(/\/releases$/, "");
  const statement = provenance({ files, facts, lockSha256, repository, privateKey, publicKey });
  await writeText(`unkey-${facts.version}.intoto.jsonl`, statement);
  const sums = (await hashes()).map((file) => `${file.sha256}  ${file.name}\n`).join("");
  await writeText(SUMS, sums);
  await writeText(`${SUMS}.sig`, sign(sums, privateKey));
  for (const name of await walkFiles(folder)) await tellSize(name);
  return missing ? 1 : 0;
}

/** True if one cannot be made here. */
async function writePrograms(build: string, facts: ReleaseFacts): Promise<boolean> {
  let missing = false;
  for (const name of values.target ?? TARGETS.map((each) => each.name)) {
    const target = targetNamed(name);
    if (target === undefined) throw new Error(`There is no target "${name}".`);
    const compiled = await compileFor(target, `${build}/bundle`, `${build}/${target.name}`);
    if (compiled.kind === "impossible") {
      missing = true;
      console.error(`${target.name} is missing: ${compiled.reasons.join("; ")}`);
      continue;
    }
    await writeArchive(folder, target, compiled.path, facts);
    if (target.debian !== undefined) {
      await writeDebianPackage({
        folder,
        executable: compiled.path,
        architecture: target.debian,
        facts,
      });
    }
  }
  return missing;
}

async function hashes(): Promise<readonly ReleaseFile[]> {
  const names = await walkFiles(folder);
  return await Promise.all(
    names.map(async (name) => ({ name, sha256: sha256(await Deno.readFile(`${folder}/${name}`)) })),
  );
}

function sha256(content: Uint8Array): string {
  return createHash("sha256").update(content).digest("hex");
}

function publicKeyOf(privateKey: string): string {
  const key = createPrivateKey({ key: Buffer.from(privateKey, "base64"), format: "der", type: "pkcs8" });
  return createPublicKey(key).export({ format: "der", type: "spki" }).toString("base64");
}

async function writeText(name: string, text: string): Promise<void> {
  await Deno.writeTextFile(`${folder}/${name}`, text);
}

async function tellSize(name: string): Promise<void> {
  const { size } = await Deno.stat(`${folder}/${name}`);
  console.log(`${name}  ${size > 1e6 ? `${(size / 1e6).toFixed(1)} MB` : `${size} bytes`}`);
}
