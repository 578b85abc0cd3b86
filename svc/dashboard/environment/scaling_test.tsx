/** Scaling by the load as text. */
import { create } from "@bufbuild/protobuf";
import assert from "node:assert/strict";
import { renderToString } from "preact-render-to-string";
import {
  InstanceEventSchema,
  ScaledRegionSchema,
  type ScalingSettings,
  ScalingSettingsSchema,
} from "../../../proto/gen/ctrl/v1/deployment_pb.ts";
import { createApi } from "../api/clients.ts";
import { Scaling, scalingText } from "./scaling.tsx";

const NOW = 1_800_000_000_000;
const API = createApi("http://dashboard.localhost", {
  visibilityState: "hidden",
  addEventListener: () => undefined,
}, { now: () => NOW });
const SETTINGS = create(ScalingSettingsSchema, { max: 5, cpuPercent: 70, concurrency: 50 });

function textOf(settings: ScalingSettings | undefined): string {
  const region = create(ScaledRegionSchema, {
    region: "eu",
    min: 1,
    max: 5,
    desired: 3,
    running: 2,
    changedFrom: 1,
    changedAt: BigInt(NOW - 60_000),
    reason: "142 requests at a time, with a target of 50 per instance",
  });
  const event = create(InstanceEventSchema, {
    kind: "scaled",
    region: "eu",
    message: "From 1 to 3 instances.",
    lastAt: BigInt(NOW - 60_000),
  });
  const html = renderToString(
    <Scaling
      api={API}
      place={{ projectId: "proj_1", environmentSlug: "production" }}
      projectSlug="shop"
      settings={settings}
      regions={settings === undefined ? [] : [region]}
      changes={settings === undefined ? [] : [event]}
      nowMs={NOW}
      onAct={() => undefined}
    />,
  );
  return html.replaceAll(/<[^>]*>/g, " ").replaceAll(/\s+/g, " ").trim();
}

Deno.test("scaling shows bounds, targets, and the last changes of each region with their reason", () => {
  const text = textOf(SETTINGS);
  assert.match(
    text,
    /1 to 5 in each region, for 70 % of the CPU and 50 requests at a time; fewer after 5 min\./,
  );
  assert.match(text, /Fix the number/);
  assert.match(text, /eu 2 of 3 1 to 5 1 to 3, 1 min ago 142 requests at a time, with a target of 50/);
  assert.match(text, /1 min ago eu From 1 to 3 instances\./);
  assert.match(text, /unkey scale production --project shop --max 5 --target-cpu 70/);
});

Deno.test("a fixed number of instances says so", () => {
  assert.match(textOf(undefined), /The number of instances is fixed\./);
  assert.doesNotMatch(textOf(undefined), /Fix the number/);
  const one = create(ScalingSettingsSchema, { min: 2, max: 4, concurrency: 9, downSeconds: 60 });
  assert.equal(scalingText(one), "2 to 4 in each region, for 9 requests at a time; fewer after 1 min.");
});
