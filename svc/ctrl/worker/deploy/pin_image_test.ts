import assert from "node:assert/strict";
import { systemClock } from "../../../../pkg/clock/mod.ts";
import { findDeployment, listEventsAfter } from "../../internal/store/mod.ts";
import { Fault } from "../../../../pkg/fault/mod.ts";
import { seedDeployment, seedProject } from "../../internal/store/testing.ts";
import { memoryDatabase } from "../testing.ts";
import { pinImage, type Pinned } from "./pin_image.ts";

const DIGEST = `sha256:${"a".repeat(64)}`;
const REGISTRY = "r.example/apps";

interface Case {
  readonly pinned: Pinned;
  readonly again: Pinned;
  readonly image: string | null | undefined;
  readonly notices: number;
  readonly asked: number;
}

async function pin(
  name: (workspaceId: string) => string,
  digest: string | undefined | Fault,
  isPublic = true,
): Promise<Case> {
  const db = await memoryDatabase();
  try {
    const seed = await seedProject(db);
    const image = name(seed.workspaceId.toLowerCase());
    const { id } = await seedDeployment(db, seed, { source: "image", image });
    let asked = 0;
    const digestOf = async (): Promise<string | undefined> => {
      asked++;
      if (digest instanceof Fault) throw digest;
      return await Promise.resolve(digest);
    };
    const mayPull = () => Promise.resolve(isPublic);
    const deps = { db, clock: systemClock(), images: { registryName: REGISTRY, mayPull, digestOf } };
    const { signal } = new AbortController();
    const pinned = await pinImage(deps, id, signal);
    const again = await pinImage(deps, id, signal);
    const events = await listEventsAfter(db.kysely, id, 0, 100);
    return {
      pinned,
      again,
      image: (await findDeployment(db.kysely, id))?.image,
      notices: events.filter((each) => each.payload.kind === "notice").length,
      asked,
    };
  } finally {
    await db.close();
  }
}

const ADVANCED = { kind: "advanced" };

Deno.test("a tag is pinned to what it means at the deploy, once", async () => {
  const { pinned, again, image, notices, asked } = await pin(() => "host:5000/team/app:1", DIGEST);
  assert.deepEqual([pinned, again, notices, asked], [ADVANCED, ADVANCED, 1, 1]);
  assert.equal(image, `host:5000/team/app@${DIGEST}`);
});

Deno.test("where the registry does not tell, the tag stays", async () => {
  const { pinned, image, notices } = await pin(() => "nginx:1.29", undefined);
  assert.deepEqual([pinned, image, notices], [ADVANCED, "nginx:1.29", 0]);
});

Deno.test("an image of a private registry is refused, with its digest, too, and after a redirect to one", async () => {
  const denied = new Fault("permission_denied", "10.0.0.1 has a private address");
  const table: readonly [string, string | Fault, boolean, number][] = [
    ["localhost:5000/app:1", DIGEST, false, 0],
    [`localhost:5000/app@${DIGEST}`, DIGEST, false, 0],
    ["r.example.org/app:1", denied, true, 2],
  ];
  for (const [image, digest, isPublic, calls] of table) {
    const { pinned, asked } = await pin(() => image, digest, isPublic);
    assert.ok(pinned.kind === "failed" && pinned.failure.code === "image_unavailable", image);
    assert.match(pinned.failure.message, /registry is not a public one.*UNKEY_TRUSTED_REGISTRIES/);
    assert.doesNotMatch(pinned.failure.message, /10\.0\.0\.1/);
    assert.equal(asked, calls, image);
  }
});

Deno.test("an image of the platform's registry is for the workspace that built it", async () => {
  const own = await pin((workspace) => `${REGISTRY}/${workspace}/proj_1@${DIGEST}`, DIGEST, false);
  assert.deepEqual([own.pinned, own.asked], [ADVANCED, 0]);
  const spellings = [REGISTRY, "R.Example/apps", "r.example:443/apps"];
  const images = ["ws_other/proj_1:d_1", `ws_other/proj_1@${DIGEST}`, "proj_1:d_1"];
  for (const foreign of spellings.flatMap((registry) => images.map((image) => `${registry}/${image}`))) {
    const { pinned, asked } = await pin(() => foreign, DIGEST);
    assert.ok(pinned.kind === "failed" && pinned.failure.code === "image_unavailable", foreign);
    assert.match(pinned.failure.message, /does not exist, or it is private/);
    assert.equal(asked, 0, "nothing is asked with the platform's credentials");
  }
});
