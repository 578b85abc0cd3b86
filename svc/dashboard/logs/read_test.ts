/** The one stream of a page, against a server that cuts it. */
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import {
  Code,
  ConnectError,
  createClient,
  createRouterTransport,
  type ServiceImpl,
} from "@connectrpc/connect";
import assert from "node:assert/strict";
import { DeploymentEventSchema, DeploymentService } from "../../../proto/gen/ctrl/v1/deployment_pb.ts";
import { LogBuffer } from "./buffer.ts";
import { linesOf, LogPosition, readOutput } from "./read.ts";

const ALL = { source: undefined, text: "" };

function logEvent(sequence: number, ...lines: string[]) {
  const log = { source: "build", origin: "RUN make", lines };
  const value = { sequence: BigInt(sequence), payload: { case: "log" as const, value: log } };
  return { event: { case: "deploymentEvent" as const, value } };
}

function appLine(atMs: number, text: string) {
  const line = { instance: "shop-1", region: "local", time: BigInt(atMs), stream: "stdout", text };
  return { message: { case: "line" as const, value: line } };
}

/** Reads from a server with these answers until `isDone`, and gives what a page shows then. */
async function read(
  answers: Partial<ServiceImpl<typeof DeploymentService>>,
  isDone: (lines: readonly string[]) => boolean,
  position = new LogPosition(),
) {
  const transport = createRouterTransport((router) => void router.service(DeploymentService, answers));
  const [buffer, stop] = [new LogBuffer(), new AbortController()];
  let changes = 0;
  const texts = (): string[] => buffer.matching(ALL).map(({ text }) => text);
  const reading = {
    api: { deployments: createClient(DeploymentService, transport) },
    id: "d_1",
    buffer,
    onLines: () => isDone(texts()) && stop.abort(),
    onChange: () => void changes++,
    againMs: 1,
  };
  const signal = AbortSignal.any([stop.signal, AbortSignal.timeout(60_000)]);
  await readOutput(reading, position, signal);
  return { texts: texts(), changes, position };
}

Deno.test("a stream of events that is cut goes on behind the last event, without a loss or a repetition", async () => {
  const asked: number[] = [];
  const { texts } = await read({
    async *watchDeploymentEvents({ afterSequence }) {
      asked.push(Number(afterSequence));
      yield { event: { case: "heartbeat", value: {} } };
      for (let n = Number(afterSequence) + 1; n <= 30; n++) {
        // The last one that was sent comes again, as after a retry between.
        if (n > 1) yield logEvent(n - 1, `line ${n - 1}`);
        yield logEvent(n, `line ${n}`);
        if (n % 7 === 0) throw new ConnectError("cut", Code.Unavailable);
      }
    },
  }, (lines) => lines.length === 30);
  assert.deepEqual(texts, Array.from({ length: 30 }, (_, index) => `line ${index + 1}`));
  assert.deepEqual(asked, [0, 7, 14, 21, 28]);
});

Deno.test("the output of instances follows the end of events, and is not shown twice after a cut", async () => {
  const since: number[] = [];
  const { texts, changes } = await read({
    async *watchDeploymentEvents() {
      yield logEvent(1, "built");
      yield {
        event: {
          case: "deploymentEvent",
          value: { sequence: 2n, payload: { case: "status", value: {} } },
        },
      };
    },
    async *streamInstanceLogs(request) {
      since.push(Number(request.since));
      assert.deepEqual([request.deploymentId, request.follow], ["d_1", true]);
      if (since.length === 1) {
        yield appLine(10, "a");
        yield appLine(11, "same");
        yield appLine(11, "same");
        throw new ConnectError("cut", Code.Unavailable);
      }
      // From the last millisecond on, with a line that had not come before.
      yield appLine(11, "same");
      yield appLine(11, "same");
      yield appLine(11, "same");
      yield appLine(12, "b");
    },
  }, (lines) => lines.at(-1) === "b");
  assert.deepEqual(texts, ["built", "a", "same", "same", "same", "b"]);
  assert.deepEqual(since, [0, 11]);
  assert.equal(changes, 2, "the status, and the end of events");
});

Deno.test("a page that comes back goes on where it was", async () => {
  const position = new LogPosition();
  position.sequence = 5n;
  const { texts } = await read(
    {
      async *watchDeploymentEvents({ afterSequence }) {
        yield logEvent(Number(afterSequence) + 1, "next");
      },
    },
    () => true,
    position,
  );
  assert.deepEqual([texts, position.sequence], [["next"], 6n]);
});

Deno.test("an event shows the lines of build and app, and notices of the platform", () => {
  const shown = (payload: MessageInitShape<typeof DeploymentEventSchema>["payload"]) =>
    linesOf(create(DeploymentEventSchema, payload === undefined ? {} : { payload }))
      .map(({ source, origin, text }) => [source, origin, text]);
  assert.deepEqual(shown({ case: "log", value: { source: "build", origin: "RUN", lines: ["a", "b"] } }), [
    ["build", "RUN", "a"],
    ["build", "RUN", "b"],
  ]);
  assert.deepEqual(shown({ case: "log", value: { source: "instance", origin: "shop-1", lines: ["c"] } }), [
    ["app", "shop-1", "c"],
  ]);
  assert.deepEqual(shown({ case: "notice", value: { message: "n" } }), [["notice", "unkey", "n"]]);
  assert.deepEqual(shown({ case: "step", value: { name: "build" } }), []);
});
