import type { MessageInitShape } from "@bufbuild/protobuf";
import { Code } from "@connectrpc/connect";
import assert from "node:assert/strict";
import { transact } from "../../../../pkg/db/mod.ts";
import { AdminService } from "../../../../proto/gen/ctrl/v1/admin_pb.ts";
import {
  DeploymentService,
  type WatchWorkspaceRequestSchema,
  type WatchWorkspaceResponse,
  WorkspaceObject,
} from "../../../../proto/gen/ctrl/v1/deployment_pb.ts";
import { EnvironmentService } from "../../../../proto/gen/ctrl/v1/environment_pb.ts";
import { appendLogLines } from "../../internal/store/mod.ts";
import { clock, deployImage, eachRefused, move, startApi, type Tenant, type TestApi } from "../testing.ts";

type Message = WatchWorkspaceResponse["message"];
type Request = MessageInitShape<typeof WatchWorkspaceRequestSchema>;

/** A stream with a key, of which messages are waited for. */
function watch(api: TestApi, rootKey: string, request: Request = {}) {
  const stop = new AbortController();
  const stream = api.client(DeploymentService, rootKey)
    .watchWorkspace(request, { signal: stop.signal })[Symbol.asyncIterator]();
  /** The first message that fits; those before it are left out. */
  const find = async <T>(fits: (message: Message) => T | undefined): Promise<T> => {
    for (;;) {
      const { value, done } = await stream.next();
      assert.ok(done !== true, "the stream must not end here");
      const found = fits(value.message);
      if (found !== undefined) return found;
    }
  };
  return { stream, find, end: () => stop.abort() };
}

const changesOf = (message: Message) => message.case === "changes" ? message.value : undefined;

/** The change of an object. */
const changed = (object: WorkspaceObject, id?: string) => (message: Message) => {
  const all = changesOf(message);
  return all?.changes.some((each) => each.object === object && (id === undefined || each.id === id))
    ? all
    : undefined;
};

Deno.test("a stream says which objects have changed, and goes on after its last sequence", async () => {
  await using api = await startApi();
  const tenant = await api.tenant("acme");
  const id = await deployImage(api, tenant);
  const first = watch(api, tenant.rootKey);
  const begin = await first.find(changesOf);
  assert.deepEqual([begin.all, begin.changes.length], [true, 0]);
  await move(api, id, "deploying");
  const { epoch, sequence } = await first.find(changed(WorkspaceObject.DEPLOYMENT, id));
  await api.client(AdminService, tenant.rootKey).setEnvironmentVariables({
    projectId: tenant.projectId,
    environmentSlug: "production",
    variables: { A: "1" },
  });
  await first.find(changed(WorkspaceObject.AUDIT_ENTRY));
  await first.end();

  await move(api, id, "ready");
  const resumed = watch(api, tenant.rootKey, { epoch, afterSequence: sequence });
  const later = await resumed.find(changesOf);
  assert.equal(later.all, false);
  assert.ok(later.changes.every(({ projectId }) => projectId === tenant.projectId));
  assert.ok(later.changes.some(({ object }) => object === WorkspaceObject.AUDIT_ENTRY));
  if (!later.changes.some((each) => each.id === id)) {
    await resumed.find(changed(WorkspaceObject.DEPLOYMENT, id));
  }
  await api.client(EnvironmentService, tenant.rootKey)
    .createEnvironment({ projectId: tenant.projectId, slug: "staging" });
  await resumed.find(changed(WorkspaceObject.ENVIRONMENT));
  resumed.end();

  const other = watch(api, tenant.rootKey, { epoch: "of-another-process", afterSequence: 5n });
  assert.equal((await other.find(changesOf)).all, true);
  other.end();
});

Deno.test("a stream brings the events of a deployment along, then what its instances print", async () => {
  await using api = await startApi();
  const tenant = await api.tenant("acme");
  const id = await deployImage(api, tenant);
  const print = (text: string): Promise<number> =>
    transact(
      api.db,
      (tx) => appendLogLines(tx, id, { source: "build", origin: "RUN make", lines: [text] }, clock.now()),
    );
  const followed = watch(api, tenant.rootKey, { deploymentId: id });
  const line = (text: string) => (message: Message) =>
    message.case === "event" && message.value.payload.case === "log" &&
      message.value.payload.value.lines.includes(text)
      ? message.value.sequence
      : undefined;
  await print("one");
  const sequence = await followed.find(line("one"));
  await print("two");
  await followed.find(line("two"));
  followed.end();

  const resumed = watch(api, tenant.rootKey, { deploymentId: id, afterEvent: sequence });
  let seen = 0;
  await resumed.find((message) => {
    if (message.case === "event") seen++;
    return line("two")(message);
  });
  assert.equal(seen, 1, "what came before is not sent again");
  await move(api, id, "failed");
  await resumed.find((message) => message.case === "eventsEnded" ? true : undefined);
  resumed.end();
});

/** A key with these permissions. */
async function keyWith(api: TestApi, tenant: Tenant, ...permissions: string[]): Promise<string> {
  return (await api.client(AdminService, tenant.rootKey).createRootKey({ permissions })).key;
}

Deno.test("a stream has only what its key may read, and nothing of another workspace", async () => {
  await using api = await startApi();
  const [tenant, other] = [await api.tenant("acme"), await api.tenant("umbrella")];
  const { project } = await api.client(AdminService, tenant.rootKey).createProject({ slug: "second" });
  const key = await keyWith(api, tenant, `project.${project?.id}.read_deployment`);
  const stream = watch(api, key);
  await stream.find(changesOf);
  await deployImage(api, other);
  await deployImage(api, tenant);
  const second = await deployImage(api, { ...tenant, projectId: project?.id ?? "" });
  const seen: string[] = [];
  await stream.find((message) => {
    const found = changesOf(message)?.changes ?? [];
    seen.push(...found.map(({ projectId }) => projectId));
    return found.some(({ id }) => id === second) ? true : undefined;
  });
  assert.deepEqual(new Set(seen), new Set([project?.id]));
  stream.end();
});

Deno.test("watchWorkspace() refuses positions that cannot be, and deployments of others", async (t) => {
  await using api = await startApi();
  const [tenant, other] = [await api.tenant("acme"), await api.tenant("umbrella")];
  const foreign = await deployImage(api, other);
  const first = (request: Request) => () => watch(api, tenant.rootKey, request).stream.next();
  await eachRefused(t, [
    ["a negative sequence", first({ afterSequence: -1n }), Code.InvalidArgument, /^after_sequence/],
    ["a negative event", first({ afterEvent: -1n }), Code.InvalidArgument, /^after_event/],
    ["a negative time", first({ linesSince: -1n }), Code.InvalidArgument, /^lines_since/],
    ["a long epoch", first({ epoch: "e".repeat(65) }), Code.InvalidArgument, /^epoch/],
    ["an unknown deployment", first({ deploymentId: "d_missing" }), Code.NotFound, /was not found/],
    ["another workspace's", first({ deploymentId: foreign }), Code.NotFound, /was not found/],
  ]);
});
