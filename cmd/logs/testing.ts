/** A deployment whose output grows while commands read it, for the tests of this folder. */
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
import { type RunSchema } from "../../proto/gen/ctrl/v1/run_pb.ts";
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

const { READY, FAILED } = DeploymentStatus;

/** One deployment with its output; tests add to it while commands read. */
export class Story {
  status: DeploymentStatus = READY;
  readonly events: Event[] = [];
  readonly lines: InstanceLine[] = [];
  readonly runs: MessageInitShape<typeof RunSchema>[] = [];
  /** The `tail` of each stream of instance lines that was opened. */
  readonly tails: number[] = [];
  /** The parts that were asked for. */
  readonly ranges: Pick<StreamInstanceLogsRequest, "since" | "until" | "instance" | "region">[] = [];
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
        getRun: ({ runId: id }) => ({ run: this.runs.find((run) => run.id === id) ?? {} }),
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
    request: StreamInstanceLogsRequest,
    signal: AbortSignal,
  ): AsyncGenerator<StreamMessage> {
    const { tail, follow, since, until, instance, region } = request;
    this.tails.push(tail);
    this.ranges.push({ since, until, instance, region });
    for (let at = Math.max(0, this.lines.length - tail);;) {
      for (; at < this.lines.length; at++) {
        const value = this.lines[at];
        assert.ok(value);
        const { time = 0n } = value;
        if (time < since || until > 0n && time >= until) continue;
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

export function shopStory(): Story {
  return new Story()
    .build("FROM busybox", "pulling")
    .build("RUN make", "cc main.c", "\x1b[32mdone\x1b[0m")
    .build("RUN make", "linked")
    .move(READY)
    .print("ins_a", 1, "listening on 8080")
    .print("ins_b", 2, "listening\x1b[2J too")
    .print("ins_a", 3, "GET /");
}

/** A `logs --follow` that runs. */
export interface Following {
  readonly ended: ReturnType<typeof unkey>;
  /** Waits until standard output or error has `text`. */
  shows(text: string): Promise<void>;
  /** Presses Ctrl-C. */
  interrupt(): ReturnType<typeof unkey>;
}

/** The settings of a command that prints lines without their times. */
export function untimed(url: string): Record<string, string> {
  return { ...access(url), UNKEY_LOGS_TIMESTAMPS: "none" };
}

export function following(api: FakeControlPlane, ...args: string[]): Following {
  const stop = new AbortController();
  const waiting: { text: string; done: () => void }[] = [];
  let output = "";
  const onOutput = (text: string): void => {
    output += text;
    for (const each of waiting) if (output.includes(each.text)) each.done();
  };
  const ended = unkey(["logs", ...args, "--follow"], {
    env: untimed(api.url),
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
