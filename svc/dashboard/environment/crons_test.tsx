/** Crons as text, and the calls of their acts. */
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { createClient, createRouterTransport } from "@connectrpc/connect";
import assert from "node:assert/strict";
import { renderToString } from "preact-render-to-string";
import { type Cron, CronSchema, CronService } from "../../../proto/gen/ctrl/v1/cron_pb.ts";
import { DeploymentService } from "../../../proto/gen/ctrl/v1/deployment_pb.ts";
import { type Run, RunSchema, RunState } from "../../../proto/gen/ctrl/v1/run_pb.ts";
import { cronActs, Crons, nextText } from "./crons.tsx";

const NOW = 1_800_000_000_000;
const MINUTE = 60_000;
const PLACE = { projectId: "proj_1", environmentSlug: "production" };
const FLAGS = "--project shop --env production";

const MISSED = {
  id: "run_0",
  cron: "cleanup",
  state: RunState.MISSED,
  plannedAt: BigInt(NOW - 2 * MINUTE),
} as const;

/** A control plane that notes the crons that it was asked to act on. */
function noting() {
  const asked: string[] = [];
  const note = (text: string): Record<string, never> => {
    asked.push(text);
    return {};
  };
  const transport = createRouterTransport((router) => {
    router.service(CronService, {
      pauseCron: ({ name, environmentSlug }) => note(`pause ${environmentSlug} ${name}`),
      resumeCron: ({ name, environmentSlug }) => note(`resume ${environmentSlug} ${name}`),
    });
    router.service(DeploymentService, {
      createRun: ({ cron, environmentSlug }) => note(`run ${environmentSlug} ${cron}`),
    });
  });
  const api = {
    crons: createClient(CronService, transport),
    deployments: createClient(DeploymentService, transport),
  };
  return { asked, api };
}

function cronOf(changes: MessageInitShape<typeof CronSchema> = {}): Cron {
  return create(CronSchema, {
    id: "cr_1",
    name: "cleanup",
    schedule: "30 2 * * *",
    timezone: "Europe/Berlin",
    command: ["npm", "run", "clean up"],
    nextAt: BigInt(NOW + 5 * MINUTE),
    ...changes,
  });
}

function runOf(): Run {
  const base = { id: "run_1", cron: "cleanup", state: RunState.FAILED, exitCode: 3 };
  return create(RunSchema, {
    ...base,
    plannedAt: BigInt(NOW - 2 * MINUTE),
    message: "It ended.",
  });
}

function textOf(crons: readonly Cron[], runs: readonly Run[] = []): string {
  const { api } = noting();
  const html = renderToString(
    <Crons
      api={api}
      place={PLACE}
      flags={FLAGS}
      crons={crons}
      runs={runs}
      nowMs={NOW}
      onAct={() => undefined}
    />,
  );
  return html.replaceAll(/<[^>]*>/g, " ").replaceAll(/\s+/g, " ").trim();
}

Deno.test("a cron shows its schedule, its next run, how the last one ended, and its command", () => {
  const text = textOf([cronOf({ lastRun: runOf() })], [
    runOf(),
    create(RunSchema, { ...MISSED, plannedTimes: 3 }),
  ]);
  assert.match(text, /cleanup 30 2 \* \* \* Europe\/Berlin in 5 min failed 2 min ago npm run 'clean up'/);
  assert.match(text, /pause run now/);
  assert.match(text, /2 min ago cleanup failed 3 It ended\. 2 min ago cleanup 3 times missed – –/);
  assert.equal(textOf([]), "", "no crons, no section");
  assert.match(textOf([], [runOf()]), /The live deployment has none\./);
});

Deno.test("the next run of a cron is a time to come, now, paused or never", () => {
  const cases: readonly (readonly [MessageInitShape<typeof CronSchema>, string])[] = [
    [{}, "in 5 min"],
    [{ nextAt: BigInt(NOW - 1) }, "now"],
    [{ nextAt: 0n }, "never"],
    [{ pausedAt: 1n, nextAt: 0n }, "paused"],
  ];
  for (const [changes, shown] of cases) assert.equal(nextText(cronOf(changes), NOW), shown);
});

Deno.test("each act on a cron names its command, and calls the control plane", async () => {
  const { asked, api } = noting();
  const options = { signal: new AbortController().signal };
  const where = { api, place: PLACE, flags: FLAGS };
  const acts = [...cronActs(cronOf(), where), ...cronActs(cronOf({ pausedAt: 1n }), where)];
  for (const act of acts) await act.run(options);
  assert.deepEqual(asked, [
    "pause production cleanup",
    "run production cleanup",
    "resume production cleanup",
    "run production cleanup",
  ]);
  assert.deepEqual(acts.slice(0, 3).map(({ command }) => command), [
    `unkey crons pause cleanup ${FLAGS}`,
    `unkey run --cron cleanup ${FLAGS}`,
    `unkey crons resume cleanup ${FLAGS}`,
  ]);
});
