/** An api and real edges, between which traffic moves as the worker moves it. */
import { createRpcClient } from "../../pkg/rpc/mod.ts";
import { Secret } from "../../pkg/config/mod.ts";
import {
  ClusterService,
  ReportDeploymentStatusRequest_Update_Instance_Status as Status,
} from "../../proto/gen/ctrl/v1/cluster_pb.ts";
import { DeploymentService } from "../../proto/gen/ctrl/v1/deployment_pb.ts";
import { ReceiptState, type TrafficSwitch } from "../../proto/gen/ctrl/v1/traffic_switch_pb.ts";
import { AGENT_HEARTBEAT_TIMEOUT_MS } from "../../svc/ctrl/internal/agents/mod.ts";
import { findDeployment } from "../../svc/ctrl/internal/store/mod.ts";
import {
  clock,
  deployImage,
  move,
  place,
  startApi,
  type Tenant,
  type TestApi,
} from "../../svc/ctrl/services/testing.ts";
import { environmentOf, instanceReport, REGION } from "../../svc/ctrl/services/testing_agents.ts";
import { createRoutingSteps } from "../../svc/ctrl/worker/routing/steps.ts";
import type { RoutingSteps } from "../../svc/ctrl/worker/routing/types.ts";
import { eventually } from "../testbed/wait.ts";
import { startEdge, type TestEdge } from "./frontline_edge.ts";

/** Times as those of the product, but for heartbeats that do not keep a test waiting. */
const TIMES = {
  heartbeatTimeoutMs: 20_000,
  retryFirstMs: 10,
  retryMsMax: 50,
  acknowledgeMs: 20,
  heartbeatMs: 1_000,
  routeWaitMs: 1_000,
};
export const HOST = "shop-acme.localhost";
const actor = { kind: "system", name: "test" } as const;

export class SwitchWorld implements AsyncDisposable {
  readonly api: TestApi;
  readonly tenant: Tenant;
  readonly #steps: RoutingSteps;
  readonly #edges: TestEdge[] = [];

  private constructor(api: TestApi, tenant: Tenant) {
    this.api = api;
    this.tenant = tenant;
    this.#steps = createRoutingSteps({
      db: api.db,
      clock,
      changes: { changed: () => undefined },
      apex: "localhost",
      edgeUrl: "http://localhost:7070",
      edgeTimeoutMs: AGENT_HEARTBEAT_TIMEOUT_MS,
      graceMs: 30_000,
    });
  }

  static async start(): Promise<SwitchWorld> {
    const api = await startApi();
    return new SwitchWorld(api, await api.tenant("acme"));
  }

  /** An edge that serves, and that the control plane knows. */
  async edge(frontlineId: string, region: string): Promise<TestEdge> {
    const controlPlaneBearer = new Secret(await this.api.regionToken("*"));
    const edge = startEdge(this.api.url, { frontlineId, region, controlPlaneBearer }, TIMES);
    this.#edges.push(edge);
    await edge.ready;
    const { kysely } = this.api.db;
    await eventually(
      `${frontlineId} to send heartbeats`,
      async () =>
        (await kysely.selectFrom("agents").select("edge_region").where("agent_id", "=", `*:${frontlineId}`)
          .executeTakeFirst())?.edge_region === region,
    );
    return edge;
  }

  /** A deployment whose instance answers at `port`; it asks for its environment's traffic. */
  async deploy(port: number): Promise<string> {
    const { api, tenant } = this;
    const id = await deployImage(api, tenant);
    await move(api, id, "deploying");
    await place(api, tenant, id, REGION);
    const agent = api.client(ClusterService, await api.regionToken(REGION));
    const k8sName = (await findDeployment(api.db.kysely, id))?.k8s_name ?? "";
    await agent.reportDeploymentStatus(instanceReport(k8sName, 1n, Status.RUNNING, `127.0.0.1:${port}`));
    await move(api, id, "network");
    const environmentId = await environmentOf(api, id);
    await this.#steps.assign(environmentId, id, await this.#steps.readPointer(environmentId));
    return id;
  }

  async rollback(sourceDeploymentId: string, targetDeploymentId: string): Promise<void> {
    const environmentId = await environmentOf(this.api, targetDeploymentId);
    const order = {
      kind: "rollback",
      sourceDeploymentId,
      targetDeploymentId,
      cancels: false,
      actor,
    } as const;
    await this.#steps.move(environmentId, order, await this.#steps.readPointer(environmentId));
  }

  /** All switches, the newest first. */
  async switches(): Promise<TrafficSwitch[]> {
    const access = { baseUrl: this.api.url, token: new Secret(this.tenant.rootKey) };
    return (await createRpcClient(DeploymentService, access).listSwitches({})).switches;
  }

  /** The newest switch. */
  async newest(): Promise<TrafficSwitch | undefined> {
    return (await this.switches())[0];
  }

  /** The newest switch when its receipt says that nothing more comes. */
  async ended(deadlineMs = 15_000): Promise<TrafficSwitch> {
    let found: TrafficSwitch | undefined;
    await eventually("the receipt to end", async () => {
      found = await this.newest();
      const state = found?.receipt?.state ?? ReceiptState.UNSPECIFIED;
      return state !== ReceiptState.WAITING && state !== ReceiptState.COUNTING;
    }, { deadlineMs });
    if (found === undefined) throw new Error("no traffic has moved");
    return found;
  }

  /** Makes all switches so much older, with what their edges did. */
  async age(ms: number): Promise<void> {
    const { kysely } = this.api.db;
    await kysely.updateTable("traffic_switches").set((eb) => ({
      created_at: eb("created_at", "-", ms),
      superseded_at: eb("superseded_at", "-", ms),
    })).execute();
    await kysely.updateTable("traffic_switch_edges")
      .set((eb) => ({ acknowledged_at: eb("acknowledged_at", "-", ms) })).execute();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const edge of this.#edges) await edge[Symbol.asyncDispose]();
    await this.api[Symbol.asyncDispose]();
  }
}
