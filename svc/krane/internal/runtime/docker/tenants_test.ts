import assert from "node:assert/strict";
import type { DesiredDeployment } from "../../deployment/desired.ts";
import { DESIRED } from "../kubernetes/testing_manifests.ts";
import type { Runtime } from "../port.ts";
import { ofOneWorkspace } from "./tenants.ts";

const { signal } = new AbortController();
const of = (name: string, workspaceId: string): DesiredDeployment => ({ ...DESIRED, name, workspaceId });
const limit = <T>(task: () => Promise<T>): Promise<T> => task();
const REFUSAL = { code: "failed_precondition", publicMessage: /one workspace only.*UNKEY_DOCKER_WORKSPACES/ };

/** A runtime that notes the calls that it gets. */
function noting(recovered: readonly DesiredDeployment[] = []) {
  const calls: string[] = [];
  const runtime: Runtime = {
    reconcile: ({ name }) => Promise.resolve(void calls.push(name)).then(() => ({ instances: [] })),
    remove: (name) => Promise.resolve(void calls.push(`remove ${name}`)),
    managed: () => Promise.resolve([]),
    recover: () => Promise.resolve([...recovered]),
    watch: () => Promise.resolve(),
  };
  return { calls, runtime: ofOneWorkspace(runtime) };
}

/** Its apps would reach the machine's ports and the credentials that the cloud gives to the machine. */
Deno.test("a second workspace is refused while the first one has apps, and is taken when they are gone", async () => {
  const { calls, runtime } = noting();
  await runtime.reconcile(of("shop", "ws_1"), signal);
  await runtime.reconcile(of("blog", "ws_1"), signal);
  await assert.rejects(runtime.reconcile(of("evil", "ws_2"), signal), REFUSAL);
  await runtime.reconcile(of("shop", "ws_1"), signal);
  await runtime.remove("shop", signal, limit);
  await assert.rejects(runtime.reconcile(of("evil", "ws_2"), signal), REFUSAL);
  await runtime.remove("blog", signal, limit);
  await runtime.reconcile(of("evil", "ws_2"), signal);
  assert.deepEqual(calls, ["shop", "blog", "shop", "remove shop", "remove blog", "evil"]);
});

Deno.test("apps that run already stay after a start of the agent, also those of several workspaces", async () => {
  const { runtime } = noting([of("shop", "ws_1"), of("evil", "ws_2")]);
  await runtime.recover(signal);
  await runtime.reconcile(of("evil", "ws_2"), signal);
  await assert.rejects(runtime.reconcile(of("third", "ws_3"), signal), REFUSAL);
});
