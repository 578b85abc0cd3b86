/** Deploys of content that was built before: no build, no build slot, and whole or undone wherever they break. */
import assert from "node:assert/strict";
import { FAULT_KINDS, type Injected, newWorld } from "../../../../pkg/testkit/fake_durable.ts";
import {
  type CtrlDatabase,
  findDeployment,
  listBuildSlots,
  listEventsAfter,
  setImage,
} from "../../internal/store/mod.ts";
import { type Seed, seedProject } from "../../internal/store/testing.ts";
import { instanceReport, memoryDatabase, playDeploy, report, snapshot } from "../testing.ts";
import { type GivenBuild, seedBuild } from "../testing_builds.ts";
import { askForSlot, deliverSlotMessages, giveSlotBack } from "../testing_slots.ts";
import { readBuildKey } from "./read_build_key.ts";

interface Played {
  readonly id: string;
  readonly builds: number;
  readonly names: readonly string[];
  readonly waited: boolean;
}

/** The same content was built before, or is being built by the holder of the only slot when the deployment comes. */
type Before = "built" | "building" | "nothing";

async function play(
  db: CtrlDatabase,
  before: Before,
  { given = {}, fault }: { readonly given?: GivenBuild; readonly fault?: Injected } = {},
): Promise<Played> {
  const world = newWorld();
  const seed = await seedProject(db);
  const first = before === "nothing" ? undefined : await other(db, seed);
  const deploymentId = first?.id ?? "";
  if (before === "built") await setBuilt(db, deploymentId, world.nowMs);
  if (before === "building") {
    await askForSlot(db, world, seed.workspaceId, { deploymentId, ticket: 1 });
  }
  const { id } = await seedBuild(db, seed, { row: { git_branch: "next" }, ...given });
  let waited = false;
  const { names, result } = await playDeploy(db, id, {
    world,
    ...(fault === undefined ? {} : { fault }),
    onWait: async () => {
      if ((await findDeployment(db.kysely, id))?.status !== "queued") {
        return await report(db, id, world.nowMs, [instanceReport()]);
      }
      waited = true;
      await setBuilt(db, deploymentId, world.nowMs);
      await giveSlotBack(db, world, seed.workspaceId, deploymentId);
      await deliverSlotMessages(db, world, id);
    },
  });
  if (fault === undefined && !result.ok) throw result.error;
  const slots = await listBuildSlots(db.kysely, [seed.workspaceId]);
  assert.ok(slots.every((slot) => slot.deployment_id !== id), "its slot is free again");
  const builds = names.filter((name) => name.includes("BuildDockerImage")).length;
  return { id, builds, names, waited };
}

/** A deployment of the same content that knows its key. */
async function other(db: CtrlDatabase, seed: Seed): Promise<{ readonly id: string }> {
  const row = await seedBuild(db, seed);
  const inputs = { dockerfile: new TextEncoder().encode("FROM scratch\n"), sealedSecrets: {} };
  const settings = {
    arguments: {},
    target: "",
    noCache: false,
    pull: false,
    platform: "",
    variableArguments: [],
  };
  const key = await readBuildKey({ db, vault: undefined, platform: undefined }, row, { ...inputs, settings });
  await db.kysely.updateTable("deployments").set({ build_key: key ?? null }).where("id", "=", row.id)
    .execute();
  return row;
}

async function setBuilt(db: CtrlDatabase, id: string, nowMs: number): Promise<void> {
  await setImage(db.kysely, { id, image: `unkey.local/p:${id}`, buildId: `${id}.1`, nowMs });
  await db.kysely.updateTable("deployments").set({ status: "ready" }).where("id", "=", id).execute();
}

Deno.test("a deploy of content that was built before takes no slot and builds nothing", async () => {
  const db = await memoryDatabase();
  const { id, builds, names } = await play(db, "built");
  const { status, live, statuses } = await snapshot(db, id);
  assert.deepEqual({ status, live, builds }, { status: "ready", live: true, builds: 0 });
  assert.deepEqual(statuses, ["pending", "deploying", "network", "ready"], "neither queued nor building");
  assert.deepEqual(names.filter((name) => name.includes("acquire")), []);
  await db.close();
});

Deno.test("a deploy that waits for a build of the same content takes its image then", async () => {
  const db = await memoryDatabase();
  const { id, builds, waited } = await play(db, "building");
  const { status, steps } = await snapshot(db, id);
  assert.deepEqual({ status, builds, waited }, { status: "ready", builds: 0, waited: true });
  assert.ok(steps.includes("building done"), steps.join());
  await db.close();
});

Deno.test("a deploy builds without an image of its content, and without the cache in any case", async () => {
  const db = await memoryDatabase();
  const fresh = await play(db, "nothing");
  const forced = await play(db, "built", {
    given: { settings: { ...NO_CACHE }, row: { git_branch: "next" } },
  });
  assert.deepEqual([fresh.builds, forced.builds], [1, 1]);
  for (const { id } of [fresh, forced]) {
    const row = await findDeployment(db.kysely, id);
    assert.deepEqual([row?.status, row?.image_source_deployment_id], ["ready", null]);
    assert.ok((row?.image_built_at ?? 0) > 0, "the next deploy finds the image");
    const notices = (await listEventsAfter(db.kysely, id, 0, 100)).filter(({ payload }) =>
      payload.kind === "notice"
    );
    assert.deepEqual(notices, []);
  }
  await db.close();
});

const NO_CACHE = { noCache: true };

Deno.test("a deploy of content that was built before ends whole or undone wherever it breaks", async (t) => {
  const db = await memoryDatabase();
  for (const before of ["built", "building"] as const) {
    const calm = await play(db, before);
    for (const kind of FAULT_KINDS) {
      await t.step(`${before}: ${kind} at each of ${calm.names.length} operations`, async () => {
        for (const at of calm.names.keys()) {
          const { id, builds } = await play(db, before, { fault: { at, kind } });
          const where = `${kind} at ${at}: ${calm.names[at]}`;
          const { status, topology, routes } = await snapshot(db, id);
          assert.equal(builds, 0, where);
          if (status === "ready") continue;
          assert.ok(kind === "refused" || kind === "failed_late", where);
          assert.deepEqual([status, routes], ["failed", []], where);
          assert.ok(topology.every((each) => each.endsWith("stopped")), where);
        }
      });
    }
  }
  await db.close();
});
