import assert from "node:assert/strict";
import { commandText, judgeRelease, type ReleaseState, releaseWait } from "./release.ts";

const LIMITS = { readyMs: 300_000, agentMs: 30_000 };

function release(changes: Partial<ReleaseState> = {}): ReleaseState {
  return {
    region: "local",
    command: ["sh", "-c", "npm run migrate"],
    state: "wanted",
    instance: "unkey-a-release",
    reason: "",
    message: "",
    exitCode: null,
    lastLogLines: [],
    timeoutMs: 600_000,
    wantedAtMs: 0,
    changedAtMs: 0,
    startedAtMs: null,
    settledAtMs: null,
    ...changes,
  };
}

const RUNNING = release({ state: "running", startedAtMs: 10_000 });
const REFUSED = release({ reason: "refused", message: "no such class", changedAtMs: 5_000 });

const TABLE: readonly {
  readonly name: string;
  readonly release: ReleaseState;
  readonly atMs?: number;
  readonly isAgentAlive?: boolean;
  readonly verdict: string;
}[] = [
  { name: "nothing was reported yet", release: release(), verdict: "pending until 300000" },
  { name: "it runs", release: RUNNING, verdict: "pending until 670000" },
  {
    name: "it runs without its agent",
    release: RUNNING,
    isAgentAlive: false,
    verdict: "pending until 670000",
  },
  { name: "its end is never reported", release: RUNNING, atMs: 670_000, verdict: "release_failed" },
  { name: "it never begins", release: release(), atMs: 300_000, verdict: "not_ready_in_time" },
  { name: "there is no agent yet", release: release(), isAgentAlive: false, verdict: "pending until 30000" },
  { name: "there is no agent", release: release(), isAgentAlive: false, atMs: 30_000, verdict: "no_region" },
  { name: "it is refused for a moment", release: REFUSED, atMs: 6_000, verdict: "pending until 20000" },
  { name: "it stays refused", release: REFUSED, atMs: 20_000, verdict: "refused" },
  { name: "it succeeded", release: release({ state: "succeeded" }), atMs: 50, verdict: "pending until 1050" },
  {
    name: "it was settled",
    release: release({ state: "succeeded", settledAtMs: 7 }),
    verdict: "over since 7",
  },
  { name: "it failed", release: release({ state: "failed", exitCode: 1 }), verdict: "release_failed" },
  {
    name: "no image",
    release: release({ state: "failed", reason: "image_pull" }),
    verdict: "image_unavailable",
  },
  {
    name: "no memory",
    release: release({ state: "failed", reason: "oom_killed" }),
    verdict: "out_of_memory",
  },
];

for (const { name, release: state, atMs = 0, isAgentAlive = true, verdict } of TABLE) {
  Deno.test(`judgeRelease() when ${name}`, () => {
    const judged = judgeRelease(state, { nowMs: atMs, isAgentAlive }, LIMITS);
    const text = judged.kind === "pending"
      ? `pending until ${judged.untilMs}`
      : judged.kind === "over"
      ? `over since ${judged.sinceMs}`
      : judged.failure.code;
    assert.equal(text, verdict);
  });
}

const TEXTS: readonly (readonly [state: Partial<ReleaseState>, text: RegExp])[] = [
  [{ exitCode: 3, lastLogLines: ["no table"] }, /exit code 3\..*goes on\. Mend it.*last output:\nno table$/s],
  [{ reason: "timed_out", exitCode: 137 }, /stopped after 600 s.*"releaseTimeout" in unkey\.json/],
  [{ reason: "oom_killed", exitCode: 137, message: "It was killed." }, /It was killed\. .*--memory/],
  [
    { reason: "lost", message: "Its pod was removed." },
    /not known: Its pod was removed\. It is never run twice/,
  ],
  [{ reason: "crash_loop", message: "No sh." }, /could not be run\. No sh\./],
];

for (const [changes, expected] of TEXTS) {
  Deno.test(`the failure of a release command that is ${changes.reason ?? "ended"} says what to do`, () => {
    const judged = judgeRelease(
      release({ state: "failed", ...changes }),
      { nowMs: 0, isAgentAlive: true },
      LIMITS,
    );
    assert.ok(judged.kind === "failed");
    assert.match(judged.failure.message, expected);
  });
}

Deno.test("a release command that has no room says so, and one that is being made says nothing", () => {
  assert.equal(releaseWait(release({ reason: "quota", message: "no room" })), "no room");
  assert.equal(releaseWait(release({ reason: "creating", message: "soon" })), undefined);
  assert.equal(releaseWait(RUNNING), undefined);
});

Deno.test("a command is shown in one line of bounded length", () => {
  assert.equal(commandText(["sh", "-c", "a &&\n  b"]), "a && b");
  assert.equal(commandText(["rake", "db:migrate"]), "rake db:migrate");
  assert.equal(commandText(["sh", "-c", "x".repeat(500)]).length, 201);
});
