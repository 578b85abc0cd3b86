import assert from "node:assert/strict";
import { Pod } from "./objects.ts";
import { pullTrouble } from "./pull_trouble.ts";

const NOW = Date.parse("2026-05-01T12:00:00Z");
const IMAGE = "registry.example/shop:1";

function trouble(reason: string, message = "", ageMs = 1_000) {
  const pod = Pod.parse({
    metadata: {
      name: "a",
      uid: "u",
      resourceVersion: "1",
      creationTimestamp: new Date(NOW - ageMs).toISOString(),
    },
    spec: { containers: [{ name: "deployment", image: IMAGE }] },
    status: { phase: "Pending" },
  });
  return pullTrouble(pod, { reason, message }, NOW);
}

Deno.test("pullTrouble() is final for refusals, and for all else after 30 s", async (t) => {
  const cases: readonly [name: string, args: Parameters<typeof trouble>, isFinal: boolean, leftMs: number][] =
    [
      ["a registry that does not answer", ["ErrImagePull", "i/o timeout"], false, 29_000],
      ["the same for too long", ["ImagePullBackOff", "i/o timeout", 30_000], true, 0],
      ["an image that is not there", ["ErrImagePull", "manifest unknown"], true, 29_000],
      ["a pull that is not allowed", ["ImagePullBackOff", "pull access denied"], true, 29_000],
      ["a name that is none", ["InvalidImageName"], true, 29_000],
      ["an image that may not be pulled", ["ErrImageNeverPull"], true, 29_000],
      ["a pod of a clock that is ahead", ["RegistryUnavailable", "", -5_000], false, 30_000],
    ];
  for (const [name, args, isFinal, leftMs] of cases) {
    await t.step(name, () => {
      const found = trouble(...args);
      assert.deepEqual([found?.isFinal, found?.leftMs], [isFinal, leftMs]);
      assert.equal(found?.error, args[1] || args[0], "the log has the node's words");
      assert.ok(found?.text.includes(IMAGE), found?.text);
    });
  }
  await t.step("nothing of a pull", () => {
    assert.equal(trouble("CrashLoopBackOff"), undefined);
    assert.equal(trouble("ContainerCreating"), undefined);
  });
});
