import assert from "node:assert/strict";
import { Secret } from "../../../../pkg/config/mod.ts";
import { transact } from "../../../../pkg/db/mod.ts";
import { isFault } from "../../../../pkg/fault/mod.ts";
import { sealBuildSecrets } from "../../internal/builds/mod.ts";
import { newDeployment, type Seed, seedDeployment, seedProject } from "../../internal/store/testing.ts";
import { type BuildInputSettings, createBuildInputs, type CtrlDatabase } from "../../internal/store/mod.ts";
import { memoryDatabase } from "../testing.ts";
import { memoryVault, NO_SETTINGS } from "../testing_builds.ts";
import { type BuildInputs, loadInputs } from "./inputs.ts";

interface Given {
  readonly variables?: Readonly<Record<string, string>>;
  readonly secrets?: Readonly<Record<string, Uint8Array>>;
  readonly settings?: Partial<BuildInputSettings>;
  readonly dockerfile?: Uint8Array;
  readonly row?: Partial<ReturnType<typeof newDeployment>>;
  /** The worker has master keys. */
  readonly keys?: boolean;
  readonly platform?: string;
}

/** The inputs of a deployment that was created with `given`. */
async function inputs(
  given: Given,
  test: (found: BuildInputs, id: string, seed: Seed) => Promise<void> | void,
) {
  const db: CtrlDatabase = await memoryDatabase();
  try {
    const vault = memoryVault();
    const seed = await seedProject(db);
    const { id } = newDeployment(seed);
    const sealed: Record<string, string> = {};
    for (const [name, value] of Object.entries(given.variables ?? {})) {
      sealed[name] = await vault.encrypt(seed.productionId, name, value);
    }
    const owner = { environmentId: seed.productionId, deploymentId: id };
    const secrets = new Map(Object.entries(given.secrets ?? {}));
    await seedDeployment(db, seed, {
      id,
      encrypted_environment_variables: JSON.stringify(sealed),
      ...given.row,
    });
    if (given.settings !== undefined || given.secrets !== undefined || given.dockerfile !== undefined) {
      await transact(db, async (tx) =>
        createBuildInputs(tx, {
          deploymentId: id,
          inputs: {
            dockerfile: given.dockerfile,
            settings: { ...NO_SETTINGS, ...given.settings },
            sealedSecrets: await sealBuildSecrets(vault, owner, secrets),
          },
          nowMs: 1,
        }));
    }
    const job = {
      deploymentId: id,
      workspaceId: seed.workspaceId,
      projectId: seed.projectId,
      contextPath: "key",
      dockerfile: "docker/prod",
    };
    const found = await loadInputs({
      db,
      vault: given.keys === false ? undefined : vault,
      credentialsOf: (workspaceId) => {
        assert.equal(workspaceId, seed.workspaceId);
        return Promise.resolve((host) =>
          Promise.resolve(host === "r.example" ? { username: "me", password: SECRET } : undefined)
        );
      },
      ...(given.platform === undefined ? {} : { platform: given.platform }),
    }, job);
    await test(found, id, seed);
  } finally {
    await db.close();
  }
}

const SECRET = new Secret("password");
const text = (bytes: Uint8Array | undefined): string | undefined => bytes && new TextDecoder().decode(bytes);

Deno.test("loadInputs() gives variables as secrets by name, and secrets of the build before them", () =>
  inputs({
    variables: { "TOKEN": "variable", "ÖTHER": "ä" },
    secrets: {
      "TOKEN": new TextEncoder().encode("secret"),
      "file": Uint8Array.from([0, 255, 10]),
      "empty": new Uint8Array(),
    },
  }, async ({ secrets, options }) => {
    assert.equal(text(await secrets("TOKEN")), "secret");
    assert.equal(text(await secrets("ÖTHER")), "ä");
    assert.deepEqual(await secrets("file"), Uint8Array.from([0, 255, 10]));
    assert.deepEqual(await secrets("empty"), new Uint8Array());
    for (const id of ["token", "none", "", "__proto__", "constructor", "toString"]) {
      assert.equal(await secrets(id), undefined, id);
    }
    assert.ok(!("TOKEN" in options.arguments), "a variable is no argument by itself");
  }));

Deno.test("loadInputs() gives arguments of the platform, then chosen variables, then those of the user", () =>
  inputs({
    row: { git_commit_sha: "abc", git_branch: "dev", git_commit_author_handle: "me" },
    variables: { A: "variable", B: "variable", C: "not chosen", UNKEY_GIT_BRANCH: "variable" },
    settings: {
      arguments: { B: "given", D: "", UNKEY_PROJECT_ID: "given" },
      variableArguments: ["A", "B", "NONE"],
    },
  }, ({ options }, id, { productionId }) => {
    assert.deepEqual(options.arguments, {
      UNKEY_DEPLOYMENT_ID: id,
      UNKEY_PROJECT_ID: "given",
      UNKEY_ENVIRONMENT_ID: productionId,
      UNKEY_GIT_COMMIT_SHA: "abc",
      UNKEY_GIT_BRANCH: "dev",
      UNKEY_GIT_COMMIT_AUTHOR_HANDLE: "me",
      A: "variable",
      B: "given",
      D: "",
    });
  }));

Deno.test("loadInputs() works for deployments that are older than the settings of builds", () =>
  inputs({ platform: "linux/arm64" }, async ({ dockerfile, options, credentials }) => {
    assert.equal(dockerfile, undefined);
    assert.deepEqual({ ...options, arguments: {} }, {
      arguments: {},
      noCache: false,
      pull: false,
      platform: "linux/arm64",
    });
    assert.equal((await credentials("r.example"))?.username, "me");
    assert.equal(await credentials("docker.io"), undefined);
  }));

Deno.test("loadInputs() passes on the options of the build and its Dockerfile", () =>
  inputs({
    platform: "linux/arm64",
    dockerfile: new TextEncoder().encode("FROM a"),
    settings: { target: "prod", noCache: true, pull: true, platform: "linux/amd64" },
  }, ({ dockerfile, options }) => {
    assert.equal(dockerfile?.path, "docker/prod");
    assert.equal(text(dockerfile?.content), "FROM a");
    const { arguments: _arguments, ...rest } = options;
    assert.deepEqual(rest, { target: "prod", noCache: true, pull: true, platform: "linux/amd64" });
  }));

Deno.test("loadInputs() needs master keys only for what is asked for", async (t) => {
  const needsKeys = (error: unknown): boolean =>
    isFault(error, "failed_precondition") && /UNKEY_VAULT_MASTER_KEYS/.test(error.publicMessage ?? "");
  await t.step(
    "not for a build without secrets",
    () =>
      inputs(
        { keys: false, variables: { A: "a" }, secrets: { s: new Uint8Array(1) } },
        async ({ secrets }) => {
          assert.equal(await secrets("none"), undefined);
          await assert.rejects(secrets("A"), needsKeys);
          await assert.rejects(secrets("s"), needsKeys);
        },
      ),
  );
  await t.step("for a variable that is an argument", () =>
    assert.rejects(
      inputs({ keys: false, variables: { A: "a" }, settings: { variableArguments: ["A"] } }, () => undefined),
      needsKeys,
    ));
});

Deno.test("loadInputs() does not build for a deployment that is gone", async () => {
  const db = await memoryDatabase();
  try {
    const job = {
      deploymentId: "d_0",
      workspaceId: "w",
      projectId: "p",
      contextPath: "k",
      dockerfile: "Dockerfile",
    };
    const credentialsOf = () => assert.fail("nothing is asked for");
    await assert.rejects(loadInputs({ db, credentialsOf }, job), (error) => isFault(error, "cancelled"));
  } finally {
    await db.close();
  }
});
