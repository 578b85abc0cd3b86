/** A load in steps on an app that takes a while for each request, and the number of instances that follows it. */
import { Secret } from "../../pkg/config/mod.ts";
import { createRpcClient } from "../../pkg/rpc/mod.ts";
import { DeploymentService } from "../../proto/gen/ctrl/v1/deployment_pb.ts";
import type { App } from "./apps.ts";
import { Lanes } from "./lanes.ts";
import { answers, Testbed, writeApp } from "./testbed.ts";
import { eventually } from "./wait.ts";

export interface Step {
  /** Requests at a time. */
  readonly lanes: number;
  /** The instances that they need. */
  readonly instances: number;
}

export interface SteppedLoadOptions {
  readonly steps: readonly Step[];
  readonly max: number;
  readonly targetConcurrency: number;
  readonly downAfter: string;
}

export interface FollowedStep extends Step {
  /** From the change of the load until so many instances served. */
  readonly followedMs: number;
}

export interface SteppedLoad {
  readonly steps: readonly FollowedStep[];
  readonly asked: number;
  readonly failed: readonly string[];
  /** Of the last change, by the control plane. */
  readonly reason: string;
}

const SERVE = `httpd -f -p \\"$PORT\\" -h /www & wait`;

/** Answers after 200 ms; the processor rests meanwhile. */
const APP: App = {
  Dockerfile: [
    "FROM busybox:stable",
    "COPY www /www",
    "RUN chmod +x /www/cgi-bin/slow",
    `CMD ["sh", "-c", "trap 'exit 0' TERM; ${SERVE}"]`,
  ].join("\n"),
  "www/index.html": "here",
  "www/cgi-bin/slow": "#!/bin/sh\nsleep 0.2\nprintf 'Content-Type: text/plain\\r\\n\\r\\nserved'\n",
};

/** Deploys, sets bounds and a target, and goes through the steps; no request may fail. */
export async function steppedLoad(options: SteppedLoadOptions): Promise<SteppedLoad> {
  await using bed = await Testbed.start({ workerEnv: { UNKEY_STOP_GRACE_SECONDS: "1" } });
  const { slug } = await bed.project("shop");
  const where = ["--project", slug, "--env", "production", "--json"];
  const deployed = await bed.unkey(["deploy", await writeApp(bed, APP), ...where]);
  if (deployed.code !== 0) throw new Error(`deploy: ${deployed.stdout}\n${deployed.stderr}`);
  const { id, urls: [url = ""] }: { id: string; urls: readonly string[] } = JSON.parse(deployed.stdout);
  await answers(bed, url, "here");
  const scaled = await bed.unkey([
    ...["scale", "production", "--project", slug, "--max", String(options.max)],
    ...["--target-concurrency", String(options.targetConcurrency), "--down-after", options.downAfter],
  ]);
  if (scaled.code !== 0) throw new Error(`scale: ${scaled.stdout}\n${scaled.stderr}`);
  const access = { baseUrl: bed.apiUrl, token: new Secret(bed.rootKey), timeoutMs: 60_000 };
  const client = createRpcClient(DeploymentService, access);
  const running = async (): Promise<number> =>
    (await client.getDeployment({ deploymentId: id })).deployment?.runningInstances ?? 0;
  const steps: FollowedStep[] = [];
  const reports = { asked: 0, failed: new Array<string>() };
  let lanes: Lanes | undefined;
  for (const step of options.steps) {
    const before = lanes;
    const target = new URL("/cgi-bin/slow", url).href;
    lanes = new Lanes({ port: bed.ports.edge, url: target, lanes: step.lanes, version: /served/ });
    const startedMs = performance.now();
    const former = await before?.stop();
    reports.asked += former?.asked ?? 0;
    reports.failed.push(...former?.failed ?? []);
    await eventually(`${step.instances} instances`, async () => await running() === step.instances, {
      everyMs: 50,
    });
    steps.push({ ...step, followedMs: performance.now() - startedMs });
  }
  const last = await lanes?.stop();
  const { deployment } = await client.getDeployment({ deploymentId: id });
  return {
    steps,
    asked: reports.asked + (last?.asked ?? 0),
    failed: [...reports.failed, ...last?.failed ?? []],
    reason: deployment?.scaledRegions[0]?.reason ?? "",
  };
}
