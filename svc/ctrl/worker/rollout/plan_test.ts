import assert from "node:assert/strict";
import {
  type InstanceState,
  judgeRollout,
  notListeningSince,
  refusedSince,
  type RegionState,
  type RolloutLimits,
  type RolloutState,
  waitText,
} from "./plan.ts";

const LIMITS: RolloutLimits = { readyMs: 300_000, listenMs: 60_000, agentMs: 30_000, restartsMax: 3 };

function instance(changes: Partial<InstanceState> = {}): InstanceState {
  return {
    name: "a-1",
    status: "running",
    reason: "",
    message: "",
    exitCode: null,
    restarts: 0,
    lastLogLines: [],
    ...changes,
  };
}

function region(instances: readonly InstanceState[], changes: Partial<RegionState> = {}): RegionState {
  return { region: "local", desiredReplicas: 1, agentAlive: true, instances, ...changes };
}

function facts(...regions: readonly RegionState[]): RolloutState {
  return { regions, port: 8080, healthCheckPath: "", memoryMib: 256, environmentSlug: "production" };
}

const PENDING = instance({ status: "pending", reason: "starting", message: "The app is starting." });
const DEAF = instance({ status: "pending", reason: "not_listening", message: "nothing answers" });
const SILENT = { region: "far", agentAlive: false };

const TABLE: readonly {
  readonly name: string;
  readonly facts: RolloutState;
  readonly atMs?: number;
  readonly notListeningSinceMs?: number;
  readonly verdict: string;
}[] = [
  { name: "all replicas run", facts: facts(region([instance()])), verdict: "ready" },
  { name: "nothing was reported yet", facts: facts(region([])), verdict: "pending until 300000" },
  { name: "an instance starts", facts: facts(region([PENDING])), verdict: "pending until 300000" },
  {
    name: "one of two replicas runs",
    facts: facts(region([instance(), PENDING], { desiredReplicas: 2 })),
    verdict: "pending until 300000",
  },
  {
    name: "a surplus instance of a restarted agent still starts",
    facts: facts(region([instance(), PENDING])),
    verdict: "ready",
  },
  {
    name: "a region whose agent has timed out does not count",
    facts: facts(region([instance()]), region([], SILENT)),
    verdict: "ready",
  },
  {
    name: "old instances of a region whose agent has timed out make nothing ready",
    facts: facts(region([instance()], SILENT)),
    verdict: "pending until 30000",
  },
  {
    name: "a crash loop in a region whose agent has timed out fails nothing",
    facts: facts(
      region([instance({ status: "failed", reason: "crash_loop" })], SILENT),
      region([instance()]),
    ),
    verdict: "ready",
  },
  {
    name: "no agent shows up",
    facts: facts(region([], SILENT)),
    atMs: 30_000,
    verdict: "failed no_region: No agent is connected for region far,",
  },
  {
    name: "the app ends again and again",
    facts: facts(region([instance({
      status: "failed",
      reason: "crash_loop",
      message: "The app ended 3 times with exit code 7.",
      exitCode: 7,
      restarts: 3,
      lastLogLines: ["no config"],
    })])),
    verdict: "failed crash_loop: The app ended 3 times with exit code 7. Its last output:\nno config",
  },
  {
    name: "it crashes in one region and runs in the other",
    facts: facts(
      region([instance()]),
      region([instance({ status: "failed", reason: "crash_loop", exitCode: 2, restarts: 3 })], {
        region: "b",
      }),
    ),
    verdict: "failed crash_loop: The app ended with exit code 2 and was restarted 3 times.",
  },
  {
    name: "an agent that knows no crash loops counts restarts",
    facts: facts(region([instance({ status: "pending", reason: "starting", exitCode: 1, restarts: 3 })])),
    verdict: "failed crash_loop: The app ended with exit code 1 and was restarted 3 times.",
  },
  {
    name: "one end is not yet a crash loop",
    facts: facts(region([instance({ status: "failed", reason: "exited", exitCode: 1, restarts: 1 })])),
    verdict: "pending until 300000",
  },
  {
    name: "it runs after some restarts",
    facts: facts(region([instance({ restarts: 5 })])),
    verdict: "ready",
  },
  {
    name: "it ran out of memory once",
    facts: facts(
      region([instance({ status: "failed", reason: "oom_killed", message: "More than 64 MiB." })]),
    ),
    verdict:
      "failed out_of_memory: More than 64 MiB. Give it more: unkey deploy --memory 512 --env production, " +
      'or for each later deploy "unkey scale production --memory 512".',
  },
  {
    name: "the image cannot be pulled",
    facts: facts(region([instance({ status: "failed", reason: "image_pull", message: "No such image." })])),
    verdict: "failed image_unavailable: No such image.",
  },
  {
    name: "it runs and does not listen yet",
    facts: facts(region([DEAF])),
    atMs: 10_000,
    notListeningSinceMs: 5_000,
    verdict: "pending until 65000",
  },
  {
    name: "it never listened",
    facts: facts(region([DEAF])),
    atMs: 65_000,
    notListeningSinceMs: 5_000,
    verdict: "failed not_listening: The app runs, but nothing listened on port 8080 within 60 s. " +
      "It must listen on 0.0.0.0:$PORT (PORT is 8080)",
  },
  {
    name: "it never listened there, and its image names another port",
    facts: { ...facts(region([DEAF])), exposedPorts: [3000] },
    atMs: 65_000,
    notListeningSinceMs: 5_000,
    verdict: "failed not_listening: The app runs, but nothing listened on port 8080 within 60 s. " +
      "It must listen on 0.0.0.0:$PORT (PORT is 8080); listening on localhost only is not enough. " +
      "The image says (EXPOSE) that it listens on 3000: if that is so, deploy with --port 3000.",
  },
  {
    name: "its entry point has line ends of Windows",
    facts: facts(region([instance({
      status: "failed",
      reason: "crash_loop",
      message: "The app ended 3 times with exit code 1.",
      exitCode: 1,
      restarts: 3,
      lastLogLines: ["exec /start.sh: no such file or directory"],
    })])),
    verdict:
      "failed crash_loop: The app ended 3 times with exit code 1. The file is there, but the program that " +
      "should run it is not. Most often a script has the line ends of Windows (CRLF)",
  },
  {
    name: "its entry point is not executable",
    facts: facts(region([instance({
      status: "failed",
      reason: "crash_loop",
      message: 'The container cannot be started: OCI runtime create failed: exec: "/a.sh": permission denied',
    })])),
    verdict: "failed crash_loop: The container cannot be started: OCI runtime create failed: " +
      'exec: "/a.sh": permission denied. The program is not executable. Run "chmod +x FILE"',
  },
  {
    name: "its health check never succeeded",
    facts: { ...facts(region([DEAF])), healthCheckPath: "/up" },
    atMs: 65_000,
    notListeningSinceMs: 5_000,
    verdict: "failed not_listening: The app runs, but its health check GET /up on port 8080 did not succeed",
  },
  {
    name: "it has a time of its own to start, which is not over",
    facts: { ...facts(region([DEAF])), startMs: 400_000 },
    atMs: 301_000,
    notListeningSinceMs: 5_000,
    verdict: "pending until 405000",
  },
  {
    name: "it has a time of its own to start, which is over",
    facts: { ...facts(region([DEAF])), startMs: 90_000 },
    atMs: 95_000,
    notListeningSinceMs: 5_000,
    verdict: "failed not_listening: The app runs, but nothing listened on port 8080 within 90 s. " +
      "It must listen on 0.0.0.0:$PORT (PORT is 8080); listening on localhost only is not enough. " +
      "A worker or cron job that takes no requests needs no port: unkey deploy --health-check-type none. " +
      "If it needs longer to start: unkey deploy --start-timeout 180s.",
  },
  {
    name: "its health check is answered with 401, and it has printed why",
    facts: {
      ...facts(
        region([
          instance({ ...DEAF, message: "It fails (it answered 401).", lastLogLines: ["Invalid host"] }),
        ]),
      ),
      healthCheckPath: "/up",
    },
    atMs: 65_000,
    notListeningSinceMs: 5_000,
    verdict:
      "failed not_listening: The app runs, but its health check GET /up on port 8080 did not succeed " +
      "within 60 s (it answered 401). That path must answer with 2xx or 3xx, without a login. Another one: " +
      "unkey deploy --health-check-path. Its last output:\nInvalid host",
  },
  {
    name: "it is not ready in time",
    facts: facts(region([PENDING])),
    atMs: 300_000,
    verdict: "failed not_ready_in_time: The app was not ready in local within 300 s. The app is starting.",
  },
  {
    name: "the agent cannot apply it in time",
    facts: facts(region([], { agentError: "unavailable: no engine" })),
    atMs: 300_000,
    verdict:
      "failed not_ready_in_time: The app was not ready in local within 300 s. The agent of local cannot " +
      "start the app: unavailable: no engine. It tries again; the region's operator",
  },
  {
    name: "nothing is reported in time",
    facts: facts(region([])),
    atMs: 300_000,
    verdict:
      "failed not_ready_in_time: The app was not ready in local within 300 s. No instance was reported",
  },
];

Deno.test("judgeRollout() (table)", async (t) => {
  for (const { name, facts, atMs = 1_000, notListeningSinceMs, verdict } of TABLE) {
    await t.step(name, () => {
      const judged = judgeRollout(facts, { nowMs: atMs, placedAtMs: 0, notListeningSinceMs }, LIMITS);
      const text = judged.kind === "failed"
        ? `failed ${judged.failure.code}: ${judged.failure.message}`
        : judged.kind === "pending"
        ? `pending until ${judged.untilMs}`
        : judged.kind;
      assert.ok(text.startsWith(verdict), `${text}\nshould begin with\n${verdict}`);
    });
  }
});

Deno.test("judgeRollout() hands on what the failing instance printed", () => {
  const lines = Array.from({ length: 20 }, (_, index) => `line ${index}`);
  const broken = instance({ status: "failed", reason: "crash_loop", exitCode: 3, lastLogLines: lines });
  const judged = judgeRollout(
    facts(region([broken])),
    { nowMs: 0, placedAtMs: 0, notListeningSinceMs: undefined },
    LIMITS,
  );
  assert.ok(judged.kind === "failed");
  assert.deepEqual(judged.failure.details, { exitCode: 3, source: "instance", origin: "a-1", lines });
  assert.ok(judged.failure.message.endsWith("line 15\nline 16\nline 17\nline 18\nline 19"));
});

/** An app that listens and stops listening gets its whole time again. */
Deno.test("notListeningSince() keeps the first time, and forgets it when everything listens", () => {
  assert.equal(notListeningSince(facts(region([DEAF])), undefined, 5), 5);
  assert.equal(notListeningSince(facts(region([DEAF])), 5, 9), 5);
  assert.equal(notListeningSince(facts(region([instance()])), 5, 9), undefined);
  assert.equal(notListeningSince(facts(region([DEAF], SILENT)), 5, 9), undefined);
});

const REFUSED = instance({
  name: "a-refused",
  status: "pending",
  reason: "refused",
  message: "Kubernetes does not take the app's pods: a rule. The operator changes it.",
});
const NO_ROOM = instance({ status: "pending", reason: "quota", message: "Kubernetes has no room." });

Deno.test("judgeRollout() ends a refused rollout when the refusal has stayed for 15 s, and waits for room", () => {
  const judge = (found: InstanceState, atMs: number, refusedAtMs: number) => {
    const state = facts(region([found]));
    const refused = refusedSince(state, undefined, refusedAtMs);
    return judgeRollout(
      state,
      { nowMs: atMs, placedAtMs: 0, notListeningSinceMs: undefined, refused },
      LIMITS,
    );
  };
  assert.deepEqual(judge(REFUSED, 5_000, 4_000), { kind: "pending", untilMs: 19_000 });
  assert.deepEqual(judge(REFUSED, 19_000, 4_000), {
    kind: "failed",
    failure: { code: "refused", message: REFUSED.message },
  });
  assert.deepEqual(judge(NO_ROOM, 200_000, 0), { kind: "pending", untilMs: 300_000 });
  const late = judge(NO_ROOM, 300_000, 0);
  assert.ok(late.kind === "failed" && late.failure.code === "not_ready_in_time");
  assert.match(late.failure.message, /Kubernetes has no room/);
});

/** A mend in progress changes the answer, and gets its time. */
Deno.test("refusedSince() keeps the time of the same refusal only", () => {
  const first = refusedSince(facts(region([REFUSED])), undefined, 5);
  assert.deepEqual(first, { message: REFUSED.message, sinceMs: 5 });
  assert.equal(refusedSince(facts(region([REFUSED])), first, 9), first);
  const other = { ...REFUSED, message: "Another rule." };
  assert.deepEqual(refusedSince(facts(region([other])), first, 9), { message: "Another rule.", sinceMs: 9 });
  assert.equal(refusedSince(facts(region([NO_ROOM])), first, 9), undefined);
  assert.equal(refusedSince(facts(region([REFUSED], SILENT)), undefined, 9), undefined);
});

Deno.test("waitText() tells what holds the app back, the final first, and nothing of an app that starts", () => {
  assert.equal(waitText(facts(region([PENDING]))), undefined);
  assert.equal(waitText(facts(region([DEAF, instance()]))), undefined);
  const pull = { ...PENDING, reason: "image_pulling", message: "The image is being pulled." };
  assert.equal(waitText(facts(region([pull]))), pull.message);
  assert.equal(waitText(facts(region([PENDING, NO_ROOM]))), NO_ROOM.message);
  assert.equal(waitText(facts(region([NO_ROOM, REFUSED]))), REFUSED.message);
  assert.equal(waitText(facts(region([NO_ROOM], SILENT))), undefined);
  assert.match(waitText(facts(region([], { agentError: "no engine" }))) ?? "", /agent of local .* no engine/);
  assert.equal(waitText(facts(region([], { ...SILENT, agentError: "no engine" }))), undefined);
});
