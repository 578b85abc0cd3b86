/** Deploys whose traffic is to move in steps. */
import assert from "node:assert/strict";
import { deploy, startParts } from "../shared/deploying/testing.ts";

const FROM_IMAGE = ["--image", "shop:1"];

Deno.test("deploy asks for steps only with --gradual", async (t) => {
  await using parts = await startParts({});
  for (
    const [args, expected] of [
      [[], undefined],
      [["--gradual"], { steps: [], everyMs: 120_000n, sticky: false }],
      [["--gradual", "--steps", "5, 20%", "--every", "30s", "--sticky"], {
        steps: [5, 20],
        everyMs: 30_000n,
        sticky: true,
      }],
      [["--gradual", "--hold"], { steps: [], everyMs: 0n, sticky: false }],
    ] as const
  ) {
    await t.step(args.join(" ") || "none", async () => {
      const { code, stderr } = await deploy({ url: parts.plane.url, args: [...FROM_IMAGE, ...args] });
      assert.equal(code, 0, stderr);
      const { steps, everyMs, sticky } = parts.seen.creates.at(-1)?.gradual ?? {};
      assert.deepEqual(steps === undefined ? undefined : { steps, everyMs, sticky }, expected);
    });
  }
});

Deno.test("deploy refuses flags of steps that do not go together, before it creates anything", async (t) => {
  await using parts = await startParts({});
  for (
    const [args, text] of [
      [["--hold"], /--steps, --every, --hold and --sticky need --gradual/],
      [["--gradual", "--hold", "--every", "1m"], /--hold and --every exclude each other/],
      [["--gradual", "--steps", "50,10"], /must be up to 10 growing numbers from 1 to 99/],
    ] as const
  ) {
    await t.step(args.join(" "), async () => {
      const { code, stderr } = await deploy({ url: parts.plane.url, args: [...FROM_IMAGE, ...args] });
      assert.equal(code, 2, stderr);
      assert.match(stderr, text);
      assert.deepEqual(parts.seen.creates, []);
    });
  }
});
