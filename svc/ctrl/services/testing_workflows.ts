import { Fault } from "../../../pkg/fault/mod.ts";
import type { GradualOrder, StartOrder, StartOutcome, Workflows } from "../internal/workflows/mod.ts";

/** Workflows that record calls; `fail` makes the next ones fail. */
export interface FakeWorkflows extends Workflows {
  readonly calls: string[];
  fail: boolean;
  onStart: (order: StartOrder) => Promise<StartOutcome>;
  onGradual: (id: string, order: GradualOrder) => Promise<void>;
}

export function fakeWorkflows(): FakeWorkflows {
  const calls: string[] = [];
  const take = (call: string): Promise<void> => {
    if (fake.fail) return Promise.reject(new Fault("unavailable", "restate is down"));
    calls.push(call);
    return Promise.resolve();
  };
  const fake: FakeWorkflows = {
    calls,
    fail: false,
    submitDeploy: (id) => take(`submit ${id}`),
    cancelDeploy: (id) => take(`cancel ${id}`),
    instancesChanged: (id) => take(`instances ${id}`),
    promote: async (environment, { targetDeploymentId }) => {
      await take(`promote ${environment} ${targetDeploymentId}`);
      return { previousDeploymentId: "d_before", hostnames: ["shop-acme.localhost"] };
    },
    rollback: async (environment, { sourceDeploymentId, targetDeploymentId }) => {
      await take(`rollback ${environment} ${sourceDeploymentId} ${targetDeploymentId}`);
      return { previousDeploymentId: sourceDeploymentId, hostnames: ["shop-acme.localhost"] };
    },
    beginGradual: async (id, order) => {
      await take(`gradual ${order.environmentId} ${order.targetDeploymentId} ${order.steps.join(",")}`);
      await fake.onGradual(id, order);
    },
    advanceGradual: (id) => take(`advance ${id}`),
    abortGradual: (id) => take(`abort ${id}`),
    watchGradual: (id) => take(`watch ${id}`),
    onGradual: () => Promise.resolve(),
    stopByUser: (environment, { deploymentId, because }) =>
      take(["stopByUser", environment, deploymentId, ...because === undefined ? [] : [because]].join(" ")),
    start: async (_id, order) => {
      await take(`start ${order.deploymentId} then ${order.then.kind}`);
      return await fake.onStart(order);
    },
    awaitStart: async (id) => {
      await take(`await ${id}`);
      return { kind: "cancelled" };
    },
    cancelStart: (id) => take(`cancel ${id}`),
    startChanged: (id) => take(`instances ${id}`),
    processCertificate: (hostname) => take(`certificate ${hostname}`),
    verifyDomain: (id) => take(`domain ${id}`),
    onStart: () => Promise.resolve({ kind: "started", hostnames: [] }),
  };
  return fake;
}
