import assert from "node:assert/strict";
import type { MessageInitShape } from "@bufbuild/protobuf";
import { type Run, type RunSchema, RunState } from "../../proto/gen/ctrl/v1/run_pb.ts";
import type { CreateRunRequest } from "../../proto/gen/ctrl/v1/run_pb.ts";
import { access, onlyJson, SHOP, startControlPlane, unkey } from "../shared/testing.ts";

type Shown = MessageInitShape<typeof RunSchema>;

const BEGUN: Shown = {
  id: "run_1",
  deploymentId: "d_1",
  environmentSlug: "preview",
  region: "eu-1",
  command: ["npm", "run", "seed"],
  state: RunState.STARTING,
  timeoutSeconds: 3_600,
  createdAt: 1n,
};
const RUNNING: Shown = { ...BEGUN, state: RunState.RUNNING, instance: "app-run-a", startedAt: 2n };
const LINES = [["stdout", "one"], ["stderr", "two"], ["stdout", "three"]] as const;

/** A control plane whose run goes through these states, one for each look. */
function controlPlane(states: readonly Shown[], lines: readonly (readonly [string, string])[] = LINES) {
  const requests: CreateRunRequest[] = [];
  const calls = { cancelled: 0, looks: 0 };
  const isOver = Promise.withResolvers<void>();
  const api = startControlPlane({
    admin: { listProjects: () => ({ projects: [SHOP] }) },
    deployment: {
      createRun(request) {
        requests.push(request);
        return { run: BEGUN };
      },
      getRun() {
        const run = states[Math.min(calls.looks++, states.length - 1)] ?? BEGUN;
        if (run.endedAt !== undefined) isOver.resolve();
        return { run };
      },
      cancelRun() {
        calls.cancelled++;
        return { run: { ...RUNNING, state: RunState.CANCELLED, message: "It was cancelled." } };
      },
      async *streamInstanceLogs({ instance }, { signal }) {
        assert.equal(instance, "app-run-a");
        // Output may come later than the end.
        if (states.some(({ endedAt }) => endedAt !== undefined)) await isOver.promise;
        for (const [stream, text] of lines) {
          yield { message: { case: "line", value: { instance, region: "eu-1", time: 5n, stream, text } } };
        }
        await new Promise((resolve) => signal.addEventListener("abort", resolve, { once: true }));
      },
    },
  });
  return { api, requests, calls };
}

const ended = (state: RunState, changes: Shown = {}): Shown => ({
  ...RUNNING,
  state,
  message: "It is over.",
  lastLogLines: LINES.map(([, text]) => text),
  endedAt: 3n,
  ...changes,
});
const COMMAND = ["--", "npm", "run", "seed"];

Deno.test("run prints what the command prints where it printed it, and ends with its exit code", async () => {
  const { api, requests } = controlPlane([RUNNING, ended(RunState.FAILED, { exitCode: 3 })]);
  await using plane = await api;
  const args = ["run", "--project", "shop", "--env", "preview", "--timeout", "90s", "--", "npm", "--help"];
  const { code, stdout, stderr } = await unkey(args, { env: access(plane.url) });
  assert.equal(code, 3);
  assert.equal(stdout, "one\nthree\n");
  assert.equal(stderr, "run_1: npm run seed in d_1 (preview, eu-1)\ntwo\nrun_1: It is over.\n");
  const [request] = requests;
  assert.deepEqual(
    [request?.projectId, request?.environmentSlug, request?.command, request?.timeoutSeconds],
    ["proj_shop", "preview", ["npm", "--help"], 90],
  );
  assert.match(request?.idempotencyKey ?? "", /^run_/);
});

Deno.test("run has an exit code for each end that is not the command's own", async (t) => {
  const cases: readonly (readonly [name: string, end: Shown, code: number])[] = [
    ["a success", ended(RunState.SUCCEEDED, { exitCode: 0 }), 0],
    ["its time limit", ended(RunState.TIMED_OUT, { exitCode: 137 }), 124],
    ["a cancel from elsewhere", ended(RunState.CANCELLED), 130],
    ["an end without a report", ended(RunState.LOST), 125],
    ["an image that cannot be pulled", { ...BEGUN, state: RunState.FAILED, reason: "image_pull" }, 125],
  ];
  for (const [name, end, wanted] of cases) {
    await t.step(name, async () => {
      const { api } = controlPlane([end]);
      await using plane = await api;
      const { code, stderr } = await unkey(["run", "--quiet", ...COMMAND], { env: access(plane.url) });
      assert.equal(code, wanted, stderr);
    });
  }
});

Deno.test("run --json prints the run, and --detach its id, without a wait", async () => {
  const { api } = controlPlane([ended(RunState.SUCCEEDED, { exitCode: 0 })]);
  await using plane = await api;
  const env = access(plane.url);
  const run = onlyJson(await unkey(["run", "--json", "--deployment", "d_1", ...COMMAND], { env })) as Run;
  assert.partialDeepStrictEqual(run, { id: "run_1", state: "succeeded", exitCode: 0 });
  const detached = await unkey(["run", "--detach", ...COMMAND], { env });
  assert.deepEqual([detached.code, detached.stdout], [0, "run_1\n"]);
});

Deno.test("Ctrl-C cancels the run, and ends with 130", async () => {
  const { api, calls } = controlPlane([RUNNING]);
  await using plane = await api;
  const stop = new AbortController();
  const onOutput = (text: string): void => text === "three\n" ? stop.abort() : undefined;
  const result = await unkey(["run", ...COMMAND], { env: access(plane.url), signal: stop.signal, onOutput });
  assert.deepEqual([result.code, calls.cancelled], [130, 1]);
  assert.match(result.stderr, /Cancelling run_1\.\nrun_1: It was cancelled\.\n$/);
});

Deno.test("run says so when nothing could be asked for, with a code that no command has by chance", async () => {
  await using plane = await startControlPlane({ admin: { listProjects: () => ({ projects: [] }) } });
  const { code, stderr } = await unkey(["run", ...COMMAND], { env: access(plane.url) });
  assert.deepEqual([code, /^error: Which project\?/.test(stderr)], [125, true]);
  const { code: usage } = await unkey(["run"], { env: access(plane.url) });
  assert.equal(usage, 2);
});

Deno.test("run --cron runs a cron's command, and takes no other", async (t) => {
  const { api, requests } = controlPlane([ended(RunState.SUCCEEDED, { exitCode: 0 })]);
  await using plane = await api;
  const env = access(plane.url);
  const args = ["run", "--project", "shop", "--env", "production", "--cron", "cleanup"];
  const { code, stderr } = await unkey(args, { env });
  assert.equal(code, 0, stderr);
  const [request] = requests;
  assert.deepEqual(
    [request?.cron, request?.environmentSlug, request?.command, request?.timeoutSeconds],
    ["cleanup", "production", [], 0],
  );
  for (const more of [["--timeout", "5m"], ["--deployment", "d_1"], ["--", "true"]]) {
    await t.step(
      more.join(" "),
      async () => assert.equal((await unkey([...args, ...more], { env })).code, 2),
    );
  }
  assert.equal(requests.length, 1);
});
