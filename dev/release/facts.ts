import { VERSION } from "../../pkg/cli/mod.ts";
import { run } from "../compiling/run.ts";

const ROOT = new URL("../../", import.meta.url).pathname;

/** The facts that all files of a release are made from. */
export interface ReleaseFacts {
  readonly version: string;
  readonly commit: string;
  /** Of the commit: the time of all files in archives, so that the same commit gives the same archives. */
  readonly commitSeconds: number;
  /** The section of the changelog for this version. */
  readonly notes: string;
}

/** @throws when there is something that is not in the commit, or the changelog has no section for the version */
export async function readFacts({ allowChanges }: { readonly allowChanges: boolean }): Promise<ReleaseFacts> {
  const changes = allowChanges ? "" : await git("status", "--porcelain");
  if (changes !== "") {
    throw new Error(`A release is made of a commit, and these files differ from it:\n${changes}`);
  }
  const notes = sectionOf(await Deno.readTextFile(`${ROOT}CHANGELOG.md`), VERSION);
  if (notes === undefined && !allowChanges) {
    throw new Error(
      `CHANGELOG.md has no section "## [${VERSION}]": give the unreleased one its version and date.`,
    );
  }
  return {
    version: VERSION,
    commit: await git("rev-parse", "HEAD"),
    commitSeconds: Number(await git("log", "-1", "--format=%ct")),
    notes: notes ?? "",
  };
}

/** The text below the heading of a version, up to the next version's. */
export function sectionOf(changelog: string, version: string): string | undefined {
  const sections = changelog.split(/^## /m).slice(1);
  const section = sections.find((text) => text.startsWith(`[${version}]`));
  return section?.replace(/^.*\n/, "").trim();
}

async function git(...args: readonly string[]): Promise<string> {
  const { ok, stdout, stderr } = await run("git", args);
  if (!ok) throw new Error(`git ${args.join(" ")} failed: ${stderr}`);
  return stdout.trim();
}
