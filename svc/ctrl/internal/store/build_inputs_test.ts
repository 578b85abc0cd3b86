import assert from "node:assert/strict";
import { transact } from "../../../../pkg/db/mod.ts";
import type { DeploymentStatus } from "../deployments/status.ts";
import { NOW_MS, seedDeployment, seedProject, testOnCtrlDatabases } from "./testing.ts";
import {
  type BuildInputs,
  createBuildInputs,
  type CtrlDatabase,
  findBuildInputs,
  moveStatus,
} from "./mod.ts";

const test = testOnCtrlDatabases();

const INPUTS: BuildInputs = {
  dockerfile: Uint8Array.from({ length: 256 }, (_, at) => at),
  settings: {
    arguments: { BASE: "node:20", TEXT: "\u00fc\n\u{1f600}" },
    target: "prod",
    noCache: true,
    pull: true,
    platform: "linux/amd64",
    variableArguments: ["NEXT_PUBLIC_X"],
  },
  sealedSecrets: { "npm.token": "c1", B: "c2" },
};

async function deploymentWith(db: CtrlDatabase, inputs: BuildInputs): Promise<string> {
  const { id } = await seedDeployment(db, await seedProject(db), { source: "context", image: null });
  await transact(db, (tx) => createBuildInputs(tx, { deploymentId: id, inputs, nowMs: NOW_MS }));
  return id;
}

test("the inputs of a build are found as they were created", async (db) => {
  const id = await deploymentWith(db, INPUTS);
  assert.deepEqual(await findBuildInputs(db.kysely, id), INPUTS);
  const { dockerfile: _, ...rest } = INPUTS;
  const inArchive = { ...rest, dockerfile: undefined };
  assert.deepEqual(await findBuildInputs(db.kysely, await deploymentWith(db, inArchive)), inArchive);
  const largest = { ...INPUTS, dockerfile: new Uint8Array(512 * 1024).fill(0xff) };
  assert.deepEqual(await findBuildInputs(db.kysely, await deploymentWith(db, largest)), largest);
  assert.equal(await findBuildInputs(db.kysely, "d_missing"), undefined);
});

/** Secrets of a registry would otherwise lie in the database for as long as the deployment is listed. */
test("the secrets of a build are removed when it is over, and not before", async (db) => {
  const move = (id: string, from: DeploymentStatus, to: DeploymentStatus) =>
    transact(db, (tx) => moveStatus(tx, { id, from: [from], to, nowMs: NOW_MS }));
  const secretsOf = async (id: string) => (await findBuildInputs(db.kysely, id))?.sealedSecrets;
  for (const end of ["deploying", "failed", "cancelled"] as const) {
    const [id, other] = [await deploymentWith(db, INPUTS), await deploymentWith(db, INPUTS)];
    await move(id, "pending", "queued");
    await move(id, "queued", "building");
    assert.deepEqual(await secretsOf(id), INPUTS.sealedSecrets);
    assert.equal(await move(id, "pending", end), false);
    assert.deepEqual(await secretsOf(id), INPUTS.sealedSecrets);
    assert.equal(await move(id, "building", end), true);
    assert.deepEqual(await secretsOf(id), {});
    assert.deepEqual(await secretsOf(other), INPUTS.sealedSecrets);
  }
});
