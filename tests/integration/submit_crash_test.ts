import assert from "node:assert/strict";
import { Secret } from "../../pkg/config/mod.ts";
import { createRpcClient } from "../../pkg/rpc/mod.ts";
import { AdminService } from "../../proto/gen/ctrl/v1/admin_pb.ts";
import { DeploymentService } from "../../proto/gen/ctrl/v1/deployment_pb.ts";
import { findDeployment, findDeploymentByIdempotencyKey } from "../../svc/ctrl/internal/store/mod.ts";
import { Part } from "../testbed/process.ts";
import { answersOk, eventually, freePort } from "../testbed/wait.ts";
import { WorkerBed } from "./worker_bed.ts";
import { MAIN } from "../../pkg/testkit/program.ts";

const SERVICE_TOKEN = "service-token-of-the-tests";
const MASTER_KEY = btoa("a master key for the tests here.");
const SUBMIT = /^\/hydra\.v1\.DeploymentService\/(d_[^/]+)\/run\/send$/;

/** Faults of a submission on its way to Restate. */
type Passage = "open" | "held before Restate" | "held after Restate";

/** Stands between api and Restate, so that a test can stop the api exactly there. */
class Gate implements AsyncDisposable {
  passage: Passage = "open";
  /** Ids of hand-overs that were stopped. */
  readonly held = new Set<string>();
  readonly #server: Deno.HttpServer<Deno.NetAddr>;

  constructor(ingressUrl: string) {
    this.#server = Deno.serve(
      { hostname: "127.0.0.1", port: 0, onListen: () => undefined },
      async (request) => {
        const { pathname, search } = new URL(request.url);
        const { method, headers } = request;
        const body = method === "POST" ? await request.arrayBuffer() : null;
        const forward = () => fetch(`${ingressUrl}${pathname}${search}`, { method, headers, body });
        const id = SUBMIT.exec(pathname)?.[1];
        if (id === undefined || this.passage === "open") return await forward();
        if (this.passage === "held after Restate") await (await forward()).body?.cancel();
        this.held.add(id);
        await new Promise<void>((resolve) =>
          request.signal.addEventListener("abort", () => resolve(), { once: true })
        );
        return new Response(null, { status: 503 });
      },
    );
  }

  get url(): string {
    return `http://127.0.0.1:${this.#server.addr.port}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server.shutdown();
  }
}

function apiPart(bed: WorkerBed, gate: Gate, port: number): Part {
  return new Part({
    name: "api",
    command: Deno.execPath(),
    args: ["run", "-A", "--no-check", MAIN, "ctrl", "api"],
    env: () => ({
      UNKEY_HTTP_HOST: "127.0.0.1",
      UNKEY_HTTP_PORT: String(port),
      UNKEY_DATABASE_PRIMARY: bed.databaseUrl,
      UNKEY_AUTH_TOKEN: SERVICE_TOKEN,
      UNKEY_VAULT_MASTER_KEYS: MASTER_KEY,
      UNKEY_RESTATE_INGRESS_URL: gate.url,
      UNKEY_BUILD_FILES_DIR: `${bed.directory}/objects`,
    }),
    logFile: `${bed.directory}/api.log`,
    ready: () => answersOk(`http://127.0.0.1:${port}/health/ready`),
  });
}

/** A create that was committed is deployed once, wherever the api died on the way, and its key still leads to it. */
Deno.test("a deployment is handed over exactly once, whatever part of a create the api's death cuts off", async (t) => {
  const bed = await WorkerBed.start();
  try {
    await using gate = new Gate(bed.ingressUrl);
    const port = freePort();
    const api = apiPart(bed, gate, port);
    const client = (token: string) => ({ baseUrl: `http://127.0.0.1:${port}`, token: new Secret(token) });
    await api.start();
    try {
      const { key } = await createRpcClient(AdminService, client(SERVICE_TOKEN)).createRootKey({
        workspaceId: bed.seed.workspaceId,
        permissions: ["*"],
      });
      const deployments = createRpcClient(DeploymentService, client(key));
      for (const passage of ["held before Restate", "held after Restate"] as const) {
        await t.step(`the hand-over was ${passage}`, async () => {
          gate.passage = passage;
          const request = {
            projectId: bed.seed.projectId,
            environmentSlug: "production",
            source: { case: "dockerImage", value: "nginx:1.29" },
            idempotencyKey: passage,
          } as const;
          const cutOff = deployments.createDeployment(request).then(() => "answered", () => "cut off");
          const row = () => findDeploymentByIdempotencyKey(bed.db.kysely, bed.seed.workspaceId, passage);
          await eventually("the hand-over to be held", async () => gate.held.has((await row())?.id ?? ""));
          await api.kill("SIGKILL");
          assert.equal(await cutOff, "cut off");
          const id = (await row())?.id ?? "";
          assert.equal((await findDeployment(bed.db.kysely, id))?.submitted_at, null);

          gate.passage = "open";
          await api.start();
          await bed.until(id, "ready");
          assert.equal((await deployments.createDeployment(request)).deploymentId, id);
          assert.notEqual((await row())?.submitted_at, null, "nobody hands it over once more");
          const history = await bed.history(id);
          assert.equal(history.filter((each) => each === "status deploying").length, 1, history.join("\n"));
        });
      }
    } finally {
      await api.kill("SIGKILL");
    }
  } finally {
    await bed.stop();
  }
});
