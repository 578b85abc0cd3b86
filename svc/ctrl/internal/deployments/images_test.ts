import assert from "node:assert/strict";
import { imagesToRelease, type ImageUse } from "./images.ts";

/** Deployment number `sequence` with an image of its own, stopped. */
function use(sequence: number, changes: Partial<ImageUse> = {}): ImageUse {
  return {
    id: `d_${sequence}`,
    workspaceId: "ws_1",
    projectId: "proj_1",
    environmentId: "env_1",
    sequence,
    image: `unkey.local/ws/p:${sequence}`,
    status: "stopped",
    imageRemoved: false,
    live: false,
    previousLive: false,
    startUnderWay: false,
    environmentDeleted: false,
    ...changes,
  };
}

function givenUp(uses: readonly ImageUse[], kept = 2): readonly string[] {
  return imagesToRelease(uses, kept).map((image) => image.replace("unkey.local/ws/p:", ""));
}

Deno.test("the newest stopped deployments of an environment keep their images", () => {
  assert.deepEqual(givenUp([use(1), use(4), use(3), use(2)]), ["1", "2"]);
  assert.deepEqual(givenUp([use(1), use(2)]), []);
  assert.deepEqual(givenUp([use(1), use(2)], 0), ["1", "2"]);
});

Deno.test("environments are counted apart", () => {
  const other = { environmentId: "env_2" };
  assert.deepEqual(givenUp([use(1), use(2), use(3), use(4, other), use(5, other)]), ["1"]);
});

Deno.test("what runs, is about to run or comes next is kept and not counted", () => {
  const needed: readonly Partial<ImageUse>[] = [
    { live: true, status: "ready" },
    { status: "ready" },
    { status: "pending" },
    { status: "deploying" },
    { startUnderWay: true },
    { previousLive: true },
  ];
  for (const changes of needed) {
    assert.deepEqual(givenUp([use(1, changes), use(2), use(3), use(4)]), ["2"], JSON.stringify(changes));
  }
});

/** A redeploy with other variables is how a failed one is often repaired. */
Deno.test("what was never ready is kept too, as many, and takes no place of what was", () => {
  const failed = (sequence: number) => use(sequence, { status: "failed" });
  const uses = [use(1), use(2), use(3), failed(4), failed(5), failed(6), use(7, { status: "cancelled" })];
  assert.deepEqual(givenUp(uses), ["1", "4", "5"]);
});

Deno.test("an image that a redeploy took over stays as long as one of them keeps it", () => {
  const shared = use(1).image;
  assert.deepEqual(givenUp([use(1), use(2), use(3), use(4, { image: shared })]), ["2"]);
  const elsewhere = use(9, { image: shared, environmentId: "env_2", status: "ready", live: true });
  assert.deepEqual(givenUp([use(1), use(2), use(3), elsewhere]), []);
});

Deno.test("what lost its image keeps nothing, and the environment's end keeps only what runs", () => {
  assert.deepEqual(givenUp([use(1), use(2), use(3, { imageRemoved: true }), use(4)]), ["1"]);
  const gone = { environmentDeleted: true };
  assert.deepEqual(givenUp([use(1, gone), use(2, { ...gone, status: "ready" })]), ["1"]);
});
