import assert from "node:assert/strict";
import { isFault } from "../../../../pkg/fault/mod.ts";
import { type CtrlDatabase, findBuildInputs } from "../../internal/store/mod.ts";
import { type Seed, seedProject } from "../../internal/store/testing.ts";
import { memoryDatabase } from "../testing.ts";
import { type GivenBuild, memoryVault, seedBuild } from "../testing_builds.ts";
import { type BuildKeyDeps, readBuildKey } from "./read_build_key.ts";

const vault = memoryVault();

/** The key of a new deployment with these inputs. */
async function keyOf(
  db: CtrlDatabase,
  seed: Seed,
  given: GivenBuild = {},
  deps: Partial<BuildKeyDeps> = {},
): Promise<string | undefined> {
  const row = await seedBuild(db, seed, given, vault);
  const inputs = await findBuildInputs(db.kysely, row.id);
  assert.ok(inputs !== undefined);
  return await readBuildKey({ db, vault, platform: undefined, ...deps }, row, inputs);
}

const READS_SECRETS = "FROM a\nRUN --mount=type=secret,id=TOKEN make\n";
const USES_COMMIT = "FROM a\nARG UNKEY_GIT_COMMIT_SHA\nRUN make\n";

/** Two deployments whose images are interchangeable, and two whose images may differ. */
const SAME: Readonly<Record<string, readonly [GivenBuild, GivenBuild]>> = {
  "nothing else": [{}, {}],
  "another commit and branch, where the Dockerfile reads neither": [
    { row: { git_commit_sha: "aaaa", git_branch: "main" } },
    { row: { git_commit_sha: "bbbb", git_branch: "next" } },
  ],
  "another branch, where the Dockerfile reads the commit": [
    { dockerfile: USES_COMMIT, row: { git_commit_sha: "aaaa", git_branch: "main" } },
    { dockerfile: USES_COMMIT, row: { git_commit_sha: "aaaa", git_branch: "next" } },
  ],
  "another variable, where the Dockerfile reads no secret": [
    { variables: { LOG_LEVEL: "info" } },
    { variables: { LOG_LEVEL: "debug", NEW: "1" } },
  ],
  "the same secrets and variables, sealed again": [
    { dockerfile: READS_SECRETS, secrets: { TOKEN: "t" }, variables: { A: "1", B: "2" } },
    { dockerfile: READS_SECRETS, secrets: { TOKEN: "t" }, variables: { B: "2", A: "1" } },
  ],
  "a build without the cache, and one with newer base images": [
    { settings: { noCache: true } },
    { settings: { pull: true } },
  ],
  "the same variable as an argument": [
    { settings: { variableArguments: ["A"] }, variables: { A: "1", B: "1" } },
    { settings: { variableArguments: ["A"] }, variables: { A: "1", B: "2" } },
  ],
};
const OTHER: Readonly<Record<string, readonly [GivenBuild, GivenBuild]>> = {
  "another content": [{ contentId: "one" }, { contentId: "two" }],
  "another Dockerfile": [{ dockerfile: "FROM a\n" }, { dockerfile: "FROM b\n" }],
  "another path of the Dockerfile": [{}, { row: { dockerfile_path: "docker/Dockerfile" } }],
  "another argument": [{ settings: { arguments: { A: "1" } } }, { settings: { arguments: { A: "2" } } }],
  "another target": [{ settings: { target: "a" } }, { settings: { target: "b" } }],
  "another platform": [{ settings: { platform: "linux/amd64" } }, { settings: { platform: "linux/arm64" } }],
  "another commit that the Dockerfile reads": [
    { dockerfile: USES_COMMIT, row: { git_commit_sha: "aaaa" } },
    { dockerfile: USES_COMMIT, row: { git_commit_sha: "bbbb" } },
  ],
  "the deployment's id, which the Dockerfile reads": [
    { dockerfile: "FROM a\nARG UNKEY_DEPLOYMENT_ID" },
    { dockerfile: "FROM a\nARG UNKEY_DEPLOYMENT_ID" },
  ],
  "another secret": [
    { dockerfile: READS_SECRETS, secrets: { TOKEN: "1" } },
    { dockerfile: READS_SECRETS, secrets: { TOKEN: "2" } },
  ],
  "a secret instead of a variable": [
    { dockerfile: READS_SECRETS, secrets: { TOKEN: "1" } },
    { dockerfile: READS_SECRETS, variables: { TOKEN: "1" } },
  ],
  "another variable, where the Dockerfile reads secrets": [
    { dockerfile: READS_SECRETS, variables: { TOKEN: "1" } },
    { dockerfile: READS_SECRETS, variables: { TOKEN: "2" } },
  ],
  "another variable that is an argument": [
    { settings: { variableArguments: ["A"] }, variables: { A: "1" } },
    { settings: { variableArguments: ["A"] }, variables: { A: "2" } },
  ],
};

Deno.test("readBuildKey() is the same for interchangeable images only", async (t) => {
  await using stack = new AsyncDisposableStack();
  const db = await memoryDatabase();
  stack.defer(() => db.close());
  const seed = await seedProject(db);
  for (const [name, [one, two]] of Object.entries(SAME)) {
    await t.step(`same: ${name}`, async () => {
      const key = await keyOf(db, seed, one);
      assert.match(key ?? "", /^[0-9a-f]{64}$/);
      assert.equal(await keyOf(db, seed, two), key);
    });
  }
  for (const [name, [one, two]] of Object.entries(OTHER)) {
    await t.step(`other: ${name}`, async () => {
      assert.notEqual(await keyOf(db, seed, one), await keyOf(db, seed, two));
    });
  }
  await t.step("same: the worker's platform, named or not", async () => {
    const named = await keyOf(db, seed, { settings: { platform: "linux/arm64" } });
    assert.equal(await keyOf(db, seed, {}, { platform: "linux/arm64" }), named);
  });
});

Deno.test("readBuildKey() gives none where it cannot know what decides the image", async (t) => {
  await using stack = new AsyncDisposableStack();
  const db = await memoryDatabase();
  stack.defer(() => db.close());
  const seed = await seedProject(db);
  const syntax = "# syntax=acme/own:1\nanything at all\n";
  const none: Readonly<Record<string, GivenBuild>> = {
    "an archive": { row: { build_context_path: "p/u.tar.gz" } },
    "a context that is gone": { row: { build_context_path: "context/ctx_gone" } },
    "a Dockerfile inside of the context": { dockerfile: null },
    "another frontend": { dockerfile: syntax },
    "another frontend by an argument": { settings: { arguments: { BUILDKIT_SYNTAX: "acme/own:1" } } },
  };
  for (const [name, given] of Object.entries(none)) {
    await t.step(name, async () => assert.equal(await keyOf(db, seed, given), undefined));
  }
  await t.step("but for a frontend of BuildKit's own", async () => {
    assert.notEqual(
      await keyOf(db, seed, { dockerfile: "# syntax=docker/dockerfile:1\nFROM a\n" }),
      undefined,
    );
  });
  await t.step("values without master keys", async () => {
    const given = { dockerfile: READS_SECRETS, variables: { TOKEN: "1" } };
    assert.equal(await keyOf(db, seed, given, { vault: undefined }), undefined);
    assert.notEqual(await keyOf(db, seed, { dockerfile: READS_SECRETS }, { vault: undefined }), undefined);
  });
  await t.step("values of other master keys", async () => {
    const reading = keyOf(db, seed, { dockerfile: READS_SECRETS, secrets: { TOKEN: "1" } }, {
      vault: memoryVault(8),
    });
    await assert.rejects(reading, (error) => isFault(error, "internal"));
  });
});

/** A leaked database must not tell a password that is short enough to be tried. */
Deno.test("readBuildKey() depends on the master key as soon as secrets count", async () => {
  await using stack = new AsyncDisposableStack();
  const db = await memoryDatabase();
  stack.defer(() => db.close());
  const seed = await seedProject(db);
  const given = { dockerfile: READS_SECRETS, secrets: { TOKEN: "1" } };
  const row = await seedBuild(db, seed, given, vault);
  const inputs = await findBuildInputs(db.kysely, row.id);
  assert.ok(inputs !== undefined);
  const other = { ...vault, digest: memoryVault(8).digest };
  const keys = [vault, other].map((each) =>
    readBuildKey({ db, vault: each, platform: undefined }, row, inputs)
  );
  const [first, second] = await Promise.all(keys);
  assert.notEqual(first, second);
});
