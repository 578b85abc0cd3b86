/**
 * Tabs of the dashboard, as the api sees them, in a process of its own: each makes the calls of its page and then holds its
 * stream. `deno run -A tests/bench/dashboard_tabs.ts '<json of TabsOptions>'` prints a line of JSON when all streams have
 * their first message, and another one when its standard input closes.
 */
// deno-lint-ignore-file no-console -- its result is its output
import { createClient, type Interceptor } from "@connectrpc/connect";
import { createConnectTransport } from "@connectrpc/connect-web";
import { AdminService } from "../../proto/gen/ctrl/v1/admin_pb.ts";
import { DeploymentService } from "../../proto/gen/ctrl/v1/deployment_pb.ts";

/** Which tabs to open. */
export interface TabsOptions {
  readonly url: string;
  readonly rootKey: string;
  readonly tabs: number;
  /** The page of this deployment, whose output is followed; empty: the overview. */
  readonly deploymentId: string;
}

/** Printed when all tabs are open, and at the end. */
export interface TabsResult {
  readonly open: number;
  readonly problems: readonly string[];
}

const AT_ONCE = 20;

async function main({ url, rootKey, tabs, deploymentId }: TabsOptions): Promise<void> {
  const stop = new AbortController();
  const problems: string[] = [];
  const state = { open: 0 };
  const authorize: Interceptor = (next) => (request) => {
    request.header.set("authorization", `Bearer ${rootKey}`);
    return next(request);
  };
  /** A tab has connections of its own, as one of another browser has. */
  const open = async (): Promise<void> => {
    const pool = Deno.createHttpClient({ poolMaxIdlePerHost: 1 });
    const transport = createConnectTransport({
      baseUrl: url,
      interceptors: [authorize],
      fetch: (input, init) => fetch(input, { ...init, client: pool }),
    });
    const deployments = createClient(DeploymentService, transport);
    if (deploymentId === "") await createClient(AdminService, transport).listProjects({});
    else await deployments.getDeployment({ deploymentId });
    await deployments.listDeployments({ pageSize: 50 });
    const first = Promise.withResolvers<void>();
    const hold = async (): Promise<void> => {
      const stream = deployments.watchWorkspace({ deploymentId }, { signal: stop.signal });
      for await (const _ of stream) first.resolve();
      throw new Error("a stream ended");
    };
    hold().catch((error: unknown) => {
      if (!stop.signal.aborted) problems.push(String(error));
      first.resolve();
    });
    await first.promise;
    state.open++;
  };
  for (let begun = 0; begun < tabs; begun += AT_ONCE) {
    await Promise.all(Array.from({ length: Math.min(AT_ONCE, tabs - begun) }, open));
  }
  const result = (): string => JSON.stringify({ open: state.open, problems: problems.slice(0, 5) });
  console.log(result());
  for await (const _ of Deno.stdin.readable);
  const last = result();
  stop.abort();
  console.log(last);
  Deno.exit(0);
}

if (import.meta.main) await main(JSON.parse(Deno.args[0] ?? "{}"));
