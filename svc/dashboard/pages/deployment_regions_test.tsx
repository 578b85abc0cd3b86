/** Regions of a deployment as text. */
import { create } from "@bufbuild/protobuf";
import assert from "node:assert/strict";
import { renderToString } from "preact-render-to-string";
import { RegionStatusSchema } from "../../../proto/gen/ctrl/v1/admin_pb.ts";
import { DeploymentInstanceSchema, DeploymentSchema } from "../../../proto/gen/ctrl/v1/deployment_pb.ts";
import { DeploymentRegions, type RegionsProps } from "./deployment_regions.tsx";

const NOW = 1_800_000_000_000;
const DEPLOYMENT = create(DeploymentSchema, {
  id: "d_1",
  topology: { regions: [{ region: "us", minInstances: 1 }, { region: "eu", minInstances: 1 }] },
  scaledRegions: [{ region: "eu", desired: 3 }],
});

function textOf(changes: Partial<RegionsProps>): string {
  const props = { deployment: DEPLOYMENT, instances: [], regions: [], nowMs: NOW, ...changes };
  const html = renderToString(<DeploymentRegions {...props} />);
  for (const each of ["<img", "\x1b"]) assert.ok(!html.includes(each), html);
  return html.replaceAll(/<[^>]*>/g, " ").replaceAll(/\s+/g, " ").trim();
}

Deno.test("each region of a deployment shows its instances, its versions and its trouble", () => {
  const eu = create(RegionStatusSchema, {
    region: "eu",
    desiredVersion: 9n,
    waitingSince: BigInt(NOW - 20_000),
    agents: [
      { agentId: "a", alive: true, appliedVersion: 7n, observedVersion: 6n },
      { agentId: "b", alive: true, appliedVersion: 8n, observedVersion: 8n },
      { agentId: "c", alive: false, appliedVersion: 1n, observedVersion: 1n },
    ],
  });
  const instance = (name: string, status: string, lastLogLines: string[] = []) =>
    create(DeploymentInstanceSchema, { name, region: "eu", status, lastLogLines });
  const text = textOf({
    regions: [eu, create(RegionStatusSchema, { region: "us", desiredVersion: 4n })],
    instances: [
      instance("shop-1", "running"),
      instance("shop-2", "failed", ["out of memory", "<img src=x>\x1b[31m"]),
    ],
  });
  assert.match(text, /eu 1 of 3 9, 7, 6 has changes that wait\./);
  assert.match(text, /us 0 of 1 4, no agent up to date/);
  assert.match(text, /Last lines of shop-2 out of memory &lt;img src=x>/);
});

Deno.test("regions of a key that may not see the platform have instances only, and none are not shown", () => {
  assert.match(textOf({}), /eu 0 of 3 – – us 0 of 1 – –/);
  assert.equal(textOf({ deployment: create(DeploymentSchema, { id: "d_2" }) }), "");
});
