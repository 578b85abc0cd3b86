import assert from "node:assert/strict";
import { RunState } from "../../proto/gen/ctrl/v1/run_pb.ts";
import { publicFault } from "../../pkg/fault/mod.ts";
import { DeploymentStatus } from "../../proto/gen/ctrl/v1/deployment_pb.ts";
import { access, deploymentOf, NOW, startControlPlane, unkey } from "../shared/testing.ts";
import { following, shopStory, Story, untimed } from "./testing.ts";

const { READY, FAILED, BUILDING, DEPLOYING } = DeploymentStatus;

Deno.test("logs prints the notice that stands for the build's output", async () => {
  await using api = await new Story().notice("What it printed was removed.").move(FAILED).serve();
  const { code, stdout, stderr } = await unkey(["logs", "d_1"], { env: untimed(api.url) });
  assert.deepEqual([code, stdout], [0, ""]);
  assert.match(stderr, /What it printed was removed/);
});

Deno.test("logs prints the build below its instructions, then the instances by name", async () => {
  await using api = await shopStory().serve();
  const { code, stdout, stderr } = await unkey(["logs", "d_1"], { env: untimed(api.url) });
  assert.deepEqual([code, stderr], [0, ""]);
  assert.equal(
    stdout,
    `=> FROM busybox
pulling
=> RUN make
cc main.c
done
linked
ins_a | listening on 8080
ins_b | listening too
ins_a | GET /
`,
  );
});

Deno.test("logs of a project are those of its newest deployment, which it names", async () => {
  await using api = await shopStory().serve();
  const { stdout, stderr } = await unkey(["logs", "shop"], { env: untimed(api.url) });
  assert.match(stdout, /GET \//);
  assert.equal(stderr, "d_1, the newest of shop\n");
});

Deno.test("logs without a range prints the last 10,000 lines, and says that there may be earlier ones", async (t) => {
  const story = new Story().move(READY);
  story.print("ins_a", -60_000, ...Array.from({ length: 10_050 }, (_, at) => `line ${at}`));
  await using api = await story.serve();
  const run = (...args: string[]) =>
    unkey(["logs", "d_1", "--source", "instance", ...args], { env: untimed(api.url) });
  await t.step("without a range", async () => {
    const { code, stdout, stderr } = await run();
    assert.equal(code, 0);
    const lines = stdout.trimEnd().split("\n");
    assert.deepEqual([lines.length, lines[0], lines.at(-1)], [
      10_000,
      "ins_a | line 50",
      "ins_a | line 10049",
    ]);
    assert.equal(
      stderr,
      "Only the last 10000 lines of the app: earlier ones with --tail, --since or --until.\n",
    );
  });
  for (const args of [["--tail", "10020"], ["--since", "10m"], ["--grep", "^line"]]) {
    await t.step(args.join(" "), async () => {
      const { stdout, stderr } = await run(...args);
      assert.equal(stdout.trimEnd().split("\n").length, args[0] === "--tail" ? 10_020 : 10_050);
      assert.equal(stderr, "");
    });
  }
});

Deno.test("logs takes one source, and the last lines of each", async (t) => {
  await using api = await shopStory().serve();
  const cases: readonly [string[], string][] = [
    [["--source", "build"], "=> FROM busybox\npulling\n=> RUN make\ncc main.c\ndone\nlinked\n"],
    [["--source", "instance", "--tail", "1"], "ins_a | GET /\n"],
    [["--tail", "2"], "=> RUN make\ndone\nlinked\nins_b | listening too\nins_a | GET /\n"],
    [["--tail", "0"], ""],
  ];
  for (const [args, expected] of cases) {
    await t.step(args.join(" "), async () => {
      const { code, stdout, stderr } = await unkey(["logs", "d_1", ...args], { env: untimed(api.url) });
      assert.deepEqual([code, stdout], [0, expected], stderr);
    });
  }
  await t.step("wrong values are all named", async () => {
    const { code, stderr } = await unkey(["logs", "d_1", "--tail", "100001", "--source", "app"]);
    assert.equal(code, 2);
    assert.match(stderr, /--tail \(UNKEY_LOGS_TAIL\) must be a whole number between 0 and 100000/);
    assert.match(stderr, /--source \(UNKEY_LOGS_SOURCE\) must be build, instance or all/);
  });
});

Deno.test("logs --json prints an object per line, with the text as it is", async () => {
  await using api = await shopStory().serve();
  const { stdout } = await unkey(["logs", "d_1", "--json", "--tail", "1"], { env: untimed(api.url) });
  assert.deepEqual(stdout.trimEnd().split("\n").map((line) => JSON.parse(line)), [
    { source: "build", origin: "RUN make", time: NOW, text: "linked" },
    {
      source: "instance",
      instance: "ins_a",
      region: "local.dev",
      time: NOW + 3,
      stream: "stdout",
      text: "GET /",
    },
  ]);
});

Deno.test("without --follow, logs of a build that runs end where the build is", async () => {
  const story = new Story().move(BUILDING).build("RUN make", "cc main.c");
  await using api = await story.serve();
  const { code, stdout } = await unkey(["logs", "d_1"], { env: untimed(api.url) });
  assert.deepEqual([code, stdout], [0, "=> RUN make\ncc main.c\n"]);
});

Deno.test("logs shows the last lines of a crashed instance once, from its output or else from the failure", async () => {
  const story = new Story().build("RUN make", "done").quote("ins_a", "cannot find settings.toml").move(
    FAILED,
  );
  await using api = await story.serve();
  const logs = async (...args: string[]): Promise<string> =>
    (await unkey(["logs", "d_1", ...args], { env: untimed(api.url) })).stdout;
  assert.equal(await logs(), "=> RUN make\ndone\nins_a | cannot find settings.toml\n");
  assert.equal(await logs("--source", "instance"), "ins_a | cannot find settings.toml\n");
  assert.equal(await logs("--source", "build"), "=> RUN make\ndone\n");
  story.print("ins_a", 1, "cannot find settings.toml");
  assert.equal(await logs(), "=> RUN make\ndone\nins_a | cannot find settings.toml\n");
});

Deno.test("logs --follow goes from the build to the instances until Ctrl-C", async () => {
  const story = new Story().move(BUILDING).build("RUN make", "one", "two");
  await using api = await story.serve();
  const logs = following(api, "d_1", "--tail", "1");
  await logs.shows("two\n");
  story.build("RUN make", "three");
  await logs.shows("three\n");
  story.move(DEPLOYING).print("ins_a", 1, "starting").print("ins_a", 2, "listening").move(READY);
  await logs.shows("listening");
  story.print("ins_a", 3, "GET /");
  await logs.shows("GET /");
  const { code, stdout, stderr } = await logs.interrupt();
  assert.equal(code, 130);
  assert.equal(stdout, "=> RUN make\ntwo\nthree\nins_a | listening\nins_a | GET /\n");
  assert.equal(stderr, "d_1 is deploying\nd_1 is ready\n");
});

Deno.test("logs --follow of a deployment that fails ends, and says why", async () => {
  const story = new Story().move(BUILDING);
  await using api = await story.serve();
  const logs = following(api, "d_1");
  await logs.shows("d_1 is building");
  story.build("RUN make", "done").move(DEPLOYING).quote("ins_a", "no settings").move(FAILED);
  const { code, stdout, stderr } = await logs.ended;
  assert.deepEqual([code, stdout], [0, "=> RUN make\ndone\nins_a | no settings\n"]);
  assert.match(stderr, /d_1 is failed: It crashed: exit code 7\.\n$/);
});

Deno.test("logs --follow survives a restart of the control plane, and prints each line once", async () => {
  const story = shopStory().print("ins_a", 4, "same").print("ins_a", 4, "same").print("ins_b", 4, "same");
  const first = await story.serve();
  const logs = following(first, "d_1", "--source", "instance", "--tail", "4");
  await logs.shows("ins_b | same");
  await first.stop();
  story.print("ins_a", 4, "same").print("ins_a", 4, "other").print("ins_c", 4, "hello").print(
    "ins_b",
    5,
    "same",
  );
  await using second = await story.serve(Number(new URL(first.url).port));
  await logs.shows("ins_b | same\nins_a | same\n");
  story.print("ins_a", 5, "after");
  await logs.shows("after");
  const { stdout } = await logs.interrupt();
  assert.equal(
    stdout,
    `ins_a | GET /
ins_a | same
ins_a | same
ins_b | same
ins_a | same
ins_a | other
ins_c | hello
ins_b | same
ins_a | after
`,
  );
  assert.deepEqual([story.tails[0], story.tails.at(-1)], [4, 100_000]);
  assert.equal(second.url, first.url);
});

Deno.test("logs --follow ends when the key is revoked meanwhile", async () => {
  await using api = await startControlPlane({
    deployment: {
      getDeployment: () => ({ deployment: deploymentOf({}) }),
      streamInstanceLogs: () => {
        throw publicFault("unauthenticated", "Credentials are missing or not valid.");
      },
    },
  });
  const { code, stderr } = await following(api, "d_1", "--source", "instance").ended;
  assert.equal(code, 4);
  assert.match(stderr, /does not accept the root key/);
});

Deno.test("logs shows the time of each line of an instance, in UTC, local or not at all", async (t) => {
  await using api = await shopStory().serve();
  const line = async (...args: string[]): Promise<string> => {
    const { stdout } = await unkey(["logs", "d_1", "--source", "instance", "--tail", "1", ...args], {
      env: access(api.url),
    });
    return stdout;
  };
  const utc = new Date(NOW + 3).toISOString();
  assert.equal(await line(), `${utc} ins_a | GET /\n`);
  assert.equal(await line("--timestamps", "none"), "ins_a | GET /\n");
  await t.step("local times name their offset, unless it is that of UTC", async () => {
    const [time = "", ...rest] = (await line("--timestamps", "local")).split(" ");
    assert.match(time, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}(?:Z|[+-]\d\d:\d\d)$/);
    assert.equal(Date.parse(time), NOW + 3);
    assert.equal(rest.join(" "), "ins_a | GET /\n");
  });
});

Deno.test("logs gives only what was asked for", async (t) => {
  const story = shopStory();
  await using api = await story.serve();
  const at = (ms: number): string => new Date(NOW + ms).toISOString();
  const cases: readonly [string, string[], string][] = [
    [
      "lines of a pattern, of builds too",
      ["--grep", "(?i:DONE|get /)"],
      "=> RUN make\ndone\nins_a | GET /\n",
    ],
    ["from a time on", ["--source", "instance", "--since", at(3)], "ins_a | GET /\n"],
    [
      "before a time",
      ["--since", at(1), "--until", at(3)],
      "ins_a | listening on 8080\nins_b | listening too\n",
    ],
    ["nothing", ["--grep", "^nowhere$"], ""],
  ];
  for (const [name, args, expected] of cases) {
    await t.step(name, async () => {
      const { code, stdout } = await unkey(["logs", "d_1", ...args], { env: untimed(api.url) });
      assert.deepEqual([code, stdout], [0, expected]);
    });
  }
  await t.step("instance and region are asked of the control plane, and leave out the build", async () => {
    const { stdout } = await unkey(["logs", "d_1", "--instance", "ins_a", "--region", "local.dev"], {
      env: untimed(api.url),
    });
    assert.doesNotMatch(stdout, /RUN make/);
    assert.deepEqual(story.ranges.at(-1), { since: 0n, until: 0n, instance: "ins_a", region: "local.dev" });
  });
});

Deno.test("logs refuses what does not go together, and what it cannot read", async (t) => {
  const cases: readonly [string[], RegExp][] = [
    [["--follow", "--until", "1m"], /leave out --follow or --until/],
    [["--since", "1m", "--until", "2m"], /--until must be later than --since/],
    [["--source", "build", "--instance", "a"], /--instance and --region choose instances/],
    [["--since", "yesterday"], /--since \(UNKEY_LOGS_SINCE\) must be a time such as/],
    [["--grep", "("], /--grep \(UNKEY_LOGS_GREP\) must be a regular expression: .*\(/],
    [["--timestamps", "yes"], /must be utc, local or none/],
    [["--region", "x".repeat(65)], /must have at most 64 characters/],
  ];
  for (const [args, message] of cases) {
    await t.step(args.join(" ").slice(0, 60), async () => {
      const { code, stderr } = await unkey(["logs", "d_1", ...args]);
      assert.equal(code, 2);
      assert.match(stderr, message);
    });
  }
});

Deno.test("logs --follow asks again from a while before its last lines on, after a restart", async () => {
  const story = shopStory();
  const first = await story.serve();
  const logs = following(first, "d_1", "--source", "instance", "--tail", "1");
  await logs.shows("GET /");
  await first.stop();
  story.print("ins_b", 4, "after the restart");
  await using _second = await story.serve(Number(new URL(first.url).port));
  await logs.shows("after the restart");
  await logs.interrupt();
  assert.deepEqual(story.ranges.map((each) => each.since), [0n, BigInt(NOW + 3 - 600_000)]);
});

Deno.test("logs of a run are those of its instance, and a run without one says why", async () => {
  const story = new Story().print("app-1", 1, "of the app").print("app-run-a", 2, "of the run");
  const state = RunState.SKIPPED;
  story.runs.push(
    {
      id: "run_1",
      deploymentId: "d_1",
      instance: "app-run-a",
      region: "local.dev",
      state: RunState.SUCCEEDED,
    },
    { id: "run_2", deploymentId: "d_1", state, plannedTimes: 3, message: "Its run run_1 had not ended." },
  );
  await using api = await story.serve();
  const { stdout } = await unkey(["logs", "run_1", "--timestamps", "none"], { env: access(api.url) });
  assert.match(stdout, /of the run/);
  assert.deepEqual(story.ranges.map(({ instance, region }) => [instance, region]), [[
    "app-run-a",
    "local.dev",
  ]]);
  const { code, stderr } = await unkey(["logs", "run_2"], { env: access(api.url) });
  assert.equal(code, 0);
  assert.equal(stderr, "run_2 has printed nothing: it is skipped (3 times). Its run run_1 had not ended.\n");
});
