import assert from "node:assert/strict";
import type { GitOptions } from "./types.ts";

/** Runs git in a folder, as an author that the machine need not know. */
export type Git = (...args: string[]) => Promise<void>;

/** A repository with one commit on the branch `feature/x`, for the time of a test. */
export async function inRepository(fn: (folder: string, git: Git) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "unkey-git-" });
  const git: Git = async (...args) => {
    const { success, stderr } = await new Deno.Command("git", {
      args: ["-C", folder, "-c", "user.name=Ada", "-c", "user.email=ada@example.com", ...args],
    }).output();
    assert.ok(success, new TextDecoder().decode(stderr));
  };
  try {
    await git("init", "--quiet", "--initial-branch", "feature/x");
    await Deno.writeTextFile(`${folder}/a.txt`, "a");
    await git("add", ".");
    await git("commit", "--quiet", "--message", "first: a change\n\nand its reason");
    await fn(folder, git);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** An environment with these variables and the ones that git needs to be found. */
export function environment(variables: Readonly<Record<string, string>> = {}): GitOptions["env"] {
  return (name) => variables[name] ?? (name === "PATH" ? Deno.env.get("PATH") : undefined);
}
