/** The stream of a tab of the dashboard, cut at random: the page's data equals that of the command line in the end. */
import { type Client, createClient } from "@connectrpc/connect";
import { createConnectTransport } from "@connectrpc/connect-web";
import assert from "node:assert/strict";
import { transact } from "../../pkg/db/mod.ts";
import { AdminService } from "../../proto/gen/ctrl/v1/admin_pb.ts";
import { DeploymentService, WorkspaceObject } from "../../proto/gen/ctrl/v1/deployment_pb.ts";
import { EnvironmentService } from "../../proto/gen/ctrl/v1/environment_pb.ts";
import { appendLogLines } from "../../svc/ctrl/internal/store/mod.ts";
import { clock, deployImage, eventually, move, startApi } from "../../svc/ctrl/services/testing.ts";
import { Live } from "../../svc/dashboard/api/live.ts";
import { LogBuffer } from "../../svc/dashboard/logs/buffer.ts";
import { Output } from "../../svc/dashboard/logs/read.ts";

const DEPLOYMENTS = 6;
const LINES = 200;
const CUTS_MIN = 5;
const ALL = { source: undefined, text: "" };

/** A fetch whose answers end with an error after some of their parts. */
function cutFetch(random: () => number) {
  const state = { cuts: 0, stops: false };
  const cut = async (input: RequestInfo | URL, init?: RequestInit): Promise<Response> => {
    const response = await fetch(input, init);
    const left = 1 + Math.floor(random() * 12);
    let parts = 0;
    const part = new TransformStream<Uint8Array, Uint8Array>({
      transform(chunk, controller) {
        if (state.stops || ++parts < left) return controller.enqueue(chunk);
        state.cuts++;
        controller.error(new TypeError("the connection was cut"));
      },
    });
    return new Response(response.body?.pipeThrough(part), response);
  };
  return { state, cut };
}

/** A page that shows the statuses of deployments: it reads those that have changed, and all when the stream says so. */
function page(live: Live, calls: Client<typeof DeploymentService>) {
  const shown = new Map<string, number>();
  let [isAll, isReading] = [false, false];
  let ids = new Set<string>();
  const readAll = async (): Promise<void> => {
    const { deployments } = await calls.listDeployments({ pageSize: 100 });
    for (const { id, status } of deployments) shown.set(id, status);
  };
  const readOne = async (id: string): Promise<void> => {
    const { deployment } = await calls.getDeployment({ deploymentId: id });
    if (deployment !== undefined) shown.set(id, deployment.status);
  };
  /** One read at a time; changes that come meanwhile are read together afterwards. */
  const read = async (): Promise<void> => {
    if (isReading) return;
    isReading = true;
    while (isAll || ids.size > 0) {
      const [all, some] = [isAll, ids];
      [isAll, ids] = [false, new Set()];
      await (all ? readAll() : Promise.all([...some].map(readOne)));
    }
    isReading = false;
  };
  const failed = Promise.withResolvers<never>();
  failed.promise.catch(() => undefined);
  const end = live.onChanges((changes) => {
    isAll ||= changes === undefined;
    for (const { object, id } of changes ?? []) if (object === WorkspaceObject.DEPLOYMENT) ids.add(id);
    read().catch(failed.reject);
  });
  /** Rejects if a read has failed. */
  const failure = (): Promise<void> => Promise.race([failed.promise, Promise.resolve()]);
  /** Waits for the read that goes on. */
  const idle = (): Promise<void> => eventually("the last read", () => Promise.resolve(!isReading));
  return { shown, end, failure, idle };
}

Deno.test("a page whose stream is cut at random shows what the command line shows, and each line once", async () => {
  await using api = await startApi();
  const tenant = await api.tenant("acme");
  const calls = api.client(DeploymentService, tenant.rootKey);
  const seed = crypto.getRandomValues(new Uint32Array(1))[0] ?? 1;
  let last = seed;
  const random = (): number => (last = (last * 1_103_515_245 + 12_345) % 2_147_483_648) / 2_147_483_648;
  const { state, cut } = cutFetch(random);
  const transport = createConnectTransport({
    baseUrl: api.url,
    fetch: cut,
    interceptors: [(next) => (request) => {
      request.header.set("authorization", `Bearer ${tenant.rootKey}`);
      return next(request);
    }],
  });
  const live = new Live({
    deployments: createClient(DeploymentService, transport),
    page: { visibilityState: "visible", addEventListener: () => undefined },
    againMs: 50,
  });
  const { shown, end, failure, idle } = page(live, calls);
  const followed = await deployImage(api, tenant);
  const buffer = new LogBuffer();
  live.follow(new Output({ id: followed, buffer, onLines: () => undefined, onChange: () => undefined }));

  const ids = [followed];
  let lines = 0;
  // Each stream is cut after twelve parts at most, so that this ends.
  for (let n = 0; n < LINES || state.cuts < CUTS_MIN; n++, lines++) {
    // The database is in memory: without a pause nothing else of this process runs.
    await clock.sleep(5);
    await transact(
      api.db,
      (tx) =>
        appendLogLines(tx, followed, { source: "build", origin: "RUN", lines: [`line ${n}`] }, clock.now()),
    );
    if (ids.length <= DEPLOYMENTS) ids.push(await deployImage(api, tenant));
    const id = ids[1 + Math.floor(random() * (ids.length - 1))];
    if (id !== undefined && n % 5 === 0) await move(api, id, random() < 0.5 ? "deploying" : "pending");
  }
  await api.client(EnvironmentService, tenant.rootKey)
    .createEnvironment({ projectId: tenant.projectId, slug: "staging" });
  await api.client(AdminService, tenant.rootKey).createProject({ slug: "second" });
  const texts = (): string[] => buffer.matching(ALL).map(({ text }) => text);
  await eventually(`the page equals the list (seed ${seed})`, async () => {
    await failure();
    const { deployments } = await calls.listDeployments({ pageSize: 100 });
    return texts().length >= lines && deployments.every(({ id, status }) => shown.get(id) === status);
  });
  state.stops = true;
  end();
  await idle();
  assert.deepEqual(texts(), Array.from({ length: lines }, (_, n) => `line ${n}`), `seed ${seed}`);
});
