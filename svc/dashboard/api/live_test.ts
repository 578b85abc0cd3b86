/** The stream of a tab, against a server that cuts and refuses it. */
import type { MessageInitShape } from "@bufbuild/protobuf";
import { Code, ConnectError, createClient, createRouterTransport } from "@connectrpc/connect";
import assert from "node:assert/strict";
import {
  DeploymentService,
  type WatchWorkspaceRequest,
  type WatchWorkspaceResponseSchema,
  WorkspaceObject,
} from "../../../proto/gen/ctrl/v1/deployment_pb.ts";
import { type Changes, type FollowedOutput, Live } from "./live.ts";
import type { Visibility } from "./visible.ts";

type Answer = MessageInitShape<typeof WatchWorkspaceResponseSchema>;
const SHOWN: Visibility = { visibilityState: "visible", addEventListener: () => undefined };

function changes(sequence: number, all: boolean, ...ids: string[]): Answer {
  const value = {
    epoch: "e",
    sequence: BigInt(sequence),
    all,
    changes: ids.map((id) => ({ object: WorkspaceObject.DEPLOYMENT, id, projectId: "p" })),
  };
  return { message: { case: "changes", value } };
}

/** A tab whose streams are answered one after the other; the last of them stays open. */
function openTab(answers: (request: WatchWorkspaceRequest, number: number) => AsyncIterable<Answer>) {
  const requests: WatchWorkspaceRequest[] = [];
  let open = 0;
  const transport = createRouterTransport((router) =>
    void router.service(DeploymentService, {
      async *watchWorkspace(request, { signal }) {
        requests.push(request);
        open++;
        try {
          yield* answers(request, requests.length);
          await new Promise<void>((done) => {
            if (signal.aborted) done();
            signal.addEventListener("abort", () => done());
          });
        } finally {
          open--;
        }
      },
    })
  );
  const live = new Live({
    deployments: createClient(DeploymentService, transport),
    page: SHOWN,
    againMs: 1,
  });
  return { live, requests, isOpen: () => open > 0 };
}

/** The changes that the listener of a tab gets, until `isDone`. */
async function received(live: Live, isDone: (all: readonly Changes[]) => boolean): Promise<Changes[]> {
  const all: Changes[] = [];
  const done = Promise.withResolvers<void>();
  const end = live.onChanges((each) => {
    all.push(each);
    if (isDone(all)) done.resolve();
  });
  await done.promise;
  end();
  return all;
}

const ids = (all: readonly Changes[]): unknown[] => all.map((each) => each?.map(({ id }) => id) ?? "all");

Deno.test("a stream that is cut goes on behind its last sequence", async () => {
  const { live, requests } = openTab(async function* (_request, number) {
    if (number === 1) {
      yield changes(1, true);
      yield changes(2, false, "d_1");
      throw new ConnectError("cut", Code.Unavailable);
    }
    yield changes(4, false, "d_2", "d_3");
  });
  const all = await received(live, (each) => each.length === 4);
  // After a failure everything is looked at: the page says so when nothing answers.
  assert.deepEqual(ids(all), ["all", ["d_1"], "all", ["d_2", "d_3"]]);
  assert.deepEqual(requests.map(({ epoch, afterSequence }) => [epoch, Number(afterSequence)]), [
    ["", 0],
    ["e", 2],
  ]);
});

Deno.test("an output that is followed begins a new stream, which has its place and no change twice", async () => {
  const { live, requests } = openTab(async function* (request) {
    yield changes(1, request.epoch === "");
    if (request.deploymentId !== "") yield { message: { case: "eventsEnded", value: {} } };
  });
  const first = Promise.withResolvers<void>();
  let count = 0;
  const end = live.onChanges(() => {
    count++;
    first.resolve();
  });
  await first.promise;
  const ended = Promise.withResolvers<void>();
  const output: FollowedOutput = {
    position: () => ({ deploymentId: "d_1", afterEvent: 7n, linesSince: 9n }),
    take: ({ case: kind }) => kind === "eventsEnded" && ended.resolve(),
  };
  live.follow(output);
  await ended.promise;
  end();
  assert.deepEqual([requests[1]?.deploymentId, requests[1]?.afterEvent, requests[1]?.linesSince], [
    "d_1",
    7n,
    9n,
  ]);
  assert.deepEqual([requests[1]?.epoch, count], ["e", 1]);
});

Deno.test("a deployment that is not there ends its output, and the stream goes on without", async () => {
  const { live, requests } = openTab(async function* (request) {
    if (request.deploymentId !== "") throw new ConnectError("gone", Code.NotFound);
    yield changes(1, false, "d_2");
  });
  live.follow({
    position: () => ({ deploymentId: "d_1", afterEvent: 0n, linesSince: 0n }),
    take: () => undefined,
  });
  assert.deepEqual(ids(await received(live, (each) => each.length === 2)), ["all", ["d_2"]]);
  assert.deepEqual(requests.map(({ deploymentId }) => deploymentId), ["d_1", ""]);
});

Deno.test("a stream is over with its session, and begins again with the next page", async () => {
  const { live, requests } = openTab(async function* (_request, number) {
    if (number === 1) throw new ConnectError("revoked", Code.Unauthenticated);
    yield changes(1, true);
  });
  await received(live, (each) => each.length === 1);
  assert.equal(requests.length, 1);
  await received(live, (each) => each.length === 1);
  assert.equal(requests.length, 2);
});

Deno.test("a stream ends with its last listener", async () => {
  const { live, isOpen } = openTab(async function* () {
    yield changes(1, true);
  });
  await received(live, (each) => each.length === 1);
  for (const deadline = performance.now() + 60_000; isOpen();) {
    assert.ok(performance.now() < deadline, "the stream is still open");
    await new Promise((done) => setTimeout(done, 1));
  }
});
