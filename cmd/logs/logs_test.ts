import type { MessageInitShape } from "@bufbuild/protobuf";
import assert from "node:assert/strict";
import { publicFault } from "../../pkg/fault/mod.ts";
import {
  type DeploymentEventSchema,
  DeploymentStatus,
  type InstanceLogLineSchema,
  type StreamInstanceLogsRequest,
  type StreamInstanceLogsResponseSchema,
  type WatchDeploymentEventsResponseSchema,
} from "../../proto/gen/ctrl/v1/deployment_pb.ts";
import {
  access,
  deploymentOf,
  type FakeControlPlane,
  NOW,
  SHOP,
  startControlPlane,
  unkey,
} from "../shared/testing.ts";

type Event = NonNullable<MessageInitShape<typeof DeploymentEventSchema>["payload"]>;
type WatchMessage = MessageInitShape<typeof WatchDeploymentEventsResponseSchema>;
type StreamMessage = MessageInitShape<typeof StreamInstanceLogsResponseSchema>;
type InstanceLine = MessageInitShape<typeof InstanceLogLineSchema>;

const { READY, FAILED, BUILDING, DEPLOYING } = DeploymentStatus;

/** One deployment with its output; tests add to it while commands read. */
class Story {
  status: DeploymentStatus = READY;
  readonly events: Event[] = [];
  readonly lines: InstanceLine[] = [];
  /** The `tail` of each stream of instance lines that was opened. */
  readonly tails: number[] = [];
  #wake = Promise.withResolvers<void>();

  notice(message: string): this {
    this.events.push({ case: "notice", value: { message } });
    return this.#changed();
  }

  build(origin: string, ...lines: string[]): this {
    this.events.push({ case: "log", value: { source: "build", origin, lines } });
    return this.#changed();
  }

  quote(instance: string, ...lines: string[]): this {
    this.events.push({ case: "log", value: { source: "instance", origin: instance, lines } });
    return this.#changed();
  }

  move(status: DeploymentStatus): this {
    this.status = status;
    this.events.push({ case: "status", value: { status } });
    return this.#changed();
  }

  print(instance: string, atMs: number, ...texts: string[]): this {
    const time = BigInt(NOW + atMs);
    const region = "local.dev";
    this.lines.push(...texts.map((text) => ({ instance, region, time, stream: "stdout", text })));
    return this.#changed();
  }

  serve(port = 0): Promise<FakeControlPlane> {
    const deployment = () =>
      deploymentOf({
        id: "d_1",
        status: this.status,
        errorMessage: this.status === FAILED ? "It crashed: exit code 7." : "",
      });
    return startControlPlane({
      admin: { listProjects: () => ({ projects: [SHOP] }) },
      deployment: {
        getDeployment: () => ({ deployment: deployment() }),
        listDeployments: () => ({ deployments: [deployment()] }),
        watchDeploymentEvents: ({ afterSequence }, { signal }) => this.#watch(Number(afterSequence), signal),
        streamInstanceLogs: (request, { signal }) => this.#stream(request, signal),
      },
    }, port);
  }

  async *#watch(afterSequence: number, signal: AbortSignal): AsyncGenerator<WatchMessage> {
    for (let at = afterSequence;;) {
      for (; at < this.events.length; at++) {
        const payload = this.events[at];
        assert.ok(payload);
        const value = { sequence: BigInt(at + 1), createdAt: BigInt(NOW), payload };
        yield { event: { case: "deploymentEvent", value } };
        if (payload.case === "status" && isFinal(payload.value.status)) return;
      }
      if (isFinal(this.status)) return;
      await this.#changes(signal);
    }
  }

  async *#stream(
    { tail, follow }: StreamInstanceLogsRequest,
    signal: AbortSignal,
  ): AsyncGenerator<StreamMessage> {
    this.tails.push(tail);
    for (let at = Math.max(0, this.lines.length - tail);;) {
      for (; at < this.lines.length; at++) {
        const value = this.lines[at];
        assert.ok(value);
        yield { message: { case: "line", value } };
      }
      if (!follow) return;
      yield { message: { case: "heartbeat", value: {} } };
      await this.#changes(signal);
    }
  }

  #changed(): this {
    this.#wake.resolve();
    this.#wake = Promise.withResolvers();
    return this;
  }

  async #changes(signal: AbortSignal): Promise<void> {
    const stopped = Promise.withResolvers<never>();
    const stop = (): void => stopped.reject(publicFault("unavailable", "The server is stopping."));
    if (signal.aborted) stop();
    signal.addEventListener("abort", stop, { once: true });
    try {
      await Promise.race([this.#wake.promise, stopped.promise]);
    } finally {
      signal.removeEventListener("abort", stop);
    }
  }
}

function isFinal(status: DeploymentStatus | undefined): boolean {
  return status === READY || status === FAILED;
}

function shopStory(): Story {
  return new Story()
    .build("FROM busybox", "pulling")
    .build("RUN make", "cc main.c", "\x1b[32mdone\x1b[0m")
    .build("RUN make", "linked")
    .move(READY)
    .print("ins_a", 1, "listening on 8080")
    .print("ins_b", 2, "listening\x1b[2J too")
    .print("ins_a", 3, "GET /");
}

/** Runs `logs --follow` and says when standard output or error has `text`; Ctrl-C ends it. */
function following(api: FakeControlPlane, ...args: string[]) {
  const stop = new AbortController();
  const waiting: { text: string; done: () => void }[] = [];
  let output = "";
  const onOutput = (text: string): void => {
    output += text;
    for (const each of waiting) if (output.includes(each.text)) each.done();
  };
  const ended = unkey(["logs", ...args, "--follow"], {
    env: access(api.url),
    signal: stop.signal,
    onOutput,
  });
  return {
    ended,
    async shows(text: string): Promise<void> {
      const { promise, resolve } = Promise.withResolvers<void>();
      waiting.push({ text, done: resolve });
      if (output.includes(text)) resolve();
      const done = new AbortController();
      const limit = AbortSignal.any([AbortSignal.timeout(120_000), done.signal]);
      const late = new Promise<void>((_, reject) =>
        limit.addEventListener("abort", () => reject(new Error(`"${text}" did not come: ${output}`)), {
          once: true,
        })
      );
      late.catch(() => undefined);
      await Promise.race([promise, late, ended.then((end) => assert.fail(`ended: ${JSON.stringify(end)}`))]);
      done.abort();
    },
    interrupt(): typeof ended {
      stop.abort(new DOMException("Got SIGINT", "AbortError"));
      return ended;
    },
  };
}

Deno.test("logs prints the notice that stands for the build's output", async () => {
  await using api = await new Story().notice("What it printed was removed.").move(FAILED).serve();
  const { code, stdout, stderr } = await unkey(["logs", "d_1"], { env: access(api.url) });
  assert.deepEqual([code, stdout], [0, ""]);
  assert.match(stderr, /What it printed was removed/);
});

Deno.test("logs prints the build below its instructions, then the instances by name", async () => {
  await using api = await shopStory().serve();
  const { code, stdout, stderr } = await unkey(["logs", "d_1"], { env: access(api.url) });
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
  const { stdout, stderr } = await unkey(["logs", "shop"], { env: access(api.url) });
  assert.match(stdout, /GET \//);
  assert.equal(stderr, "d_1, the newest of shop\n");
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
      const { code, stdout, stderr } = await unkey(["logs", "d_1", ...args], { env: access(api.url) });
      assert.deepEqual([code, stdout], [0, expected], stderr);
    });
  }
  await t.step("wrong values are all named", async () => {
    const { code, stderr } = await unkey(["logs", "d_1", "--tail", "10001", "--source", "app"]);
    assert.equal(code, 2);
    assert.match(stderr, /--tail \(UNKEY_LOGS_TAIL\) must be a whole number between 0 and 10000/);
    assert.match(stderr, /--source \(UNKEY_LOGS_SOURCE\) must be build, instance or all/);
  });
});

Deno.test("logs --json prints an object per line, with the text as it is", async () => {
  await using api = await shopStory().serve();
  const { stdout } = await unkey(["logs", "d_1", "--json", "--tail", "1"], { env: access(api.url) });
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
  const { code, stdout } = await unkey(["logs", "d_1"], { env: access(api.url) });
  assert.deepEqual([code, stdout], [0, "=> RUN make\ncc main.c\n"]);
});

Deno.test("logs shows the last lines of a crashed instance once, from its output or else from the failure", async () => {
  const story = new Story().build("RUN make", "done").quote("ins_a", "cannot find settings.toml").move(
    FAILED,
  );
  await using api = await story.serve();
  const logs = async (...args: string[]): Promise<string> =>
    (await unkey(["logs", "d_1", ...args], { env: access(api.url) })).stdout;
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
  assert.deepEqual([story.tails[0], story.tails.at(-1)], [4, 10_000]);
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
