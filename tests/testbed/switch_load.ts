/** Traffic that moves between versions while requests come all the time. */
import { Secret } from "../../pkg/config/mod.ts";
import { createRpcClient } from "../../pkg/rpc/mod.ts";
import { DeploymentService } from "../../proto/gen/ctrl/v1/deployment_pb.ts";
import type { SwitchReceipt } from "../../proto/gen/ctrl/v1/traffic_switch_pb.ts";
import { serves } from "./apps.ts";
import { Lanes } from "./lanes.ts";
import { answers, Testbed, writeApp } from "./testbed.ts";
import { eventually } from "./wait.ts";

export interface SwitchLoadOptions {
  /** Deployments that are built and take the traffic under load. */
  readonly deploys: number;
  /** Rollbacks, each followed by a promote. */
  readonly rollbacks: number;
  /** The load goes on until so many requests were made. */
  readonly requests: number;
  readonly lanes: number;
  /** Between two requests of a lane; 0 for as many as possible. */
  readonly pauseMs: number;
  /** A switch is over when the old version has not answered for so long. */
  readonly quietMs: number;
}

export interface SwitchLoad {
  readonly asked: number;
  /** The first requests that were not answered with 200 and a version. */
  readonly failed: readonly string[];
  /** From the call to the last answer of the old version. */
  readonly rollbacksMs: readonly number[];
  readonly promotesMs: readonly number[];
  /** By the control plane, the newest first. */
  readonly receipts: readonly SwitchReceipt[];
}

interface Version {
  readonly id: string;
  readonly name: string;
}

/** Deploys versions, then rolls back and promotes between the last two, with requests all the while. */
export async function switchUnderLoad(options: SwitchLoadOptions): Promise<SwitchLoad> {
  await using bed = await Testbed.start({ workerEnv: { UNKEY_STOP_GRACE_SECONDS: "1" } });
  const { slug } = await bed.project("shop");
  const first = await deployVersion(bed, slug, 0);
  await answers(bed, first.url, first.name);
  const { lanes: count, pauseMs } = options;
  const lanes = new Lanes({
    port: bed.ports.edge,
    url: first.url,
    lanes: count,
    pauseMs,
    version: /version \d+\./,
  });
  let [before, after]: [Version, Version] = [first, first];
  for (let deploy = 1; deploy <= options.deploys; deploy++) {
    [before, after] = [after, await deployVersion(bed, slug, deploy)];
    await eventually(`${after.name} to answer`, () => lanes.lastOf(after.name) !== undefined);
  }
  const times = await moveTraffic(bed, lanes, { before, after }, options);
  await eventually(`${options.requests} requests`, () => lanes.asked >= options.requests);
  return { ...await lanes.stop(), ...times };
}

async function deployVersion(
  bed: Testbed,
  slug: string,
  version: number,
): Promise<Version & { url: string }> {
  const name = `version ${version}.`;
  const folder = await writeApp(bed, serves(name));
  const where = ["--project", slug, "--env", "production", "--json"];
  const { code, stdout, stderr } = await bed.unkey(["deploy", folder, ...where]);
  if (code !== 0) throw new Error(`deploy ${version}: ${stdout}\n${stderr}`);
  const { id, urls: [url = ""] }: { id: string; urls: readonly string[] } = JSON.parse(stdout);
  return { id, name, url };
}

async function moveTraffic(
  bed: Testbed,
  lanes: Lanes,
  { before, after }: { readonly before: Version; readonly after: Version },
  { rollbacks, quietMs }: SwitchLoadOptions,
): Promise<Pick<SwitchLoad, "rollbacksMs" | "promotesMs" | "receipts">> {
  const access = { baseUrl: bed.apiUrl, token: new Secret(bed.rootKey), timeoutMs: 60_000 };
  const client = createRpcClient(DeploymentService, access);
  const lastOldMs = async (old: Version, move: () => Promise<unknown>): Promise<number> => {
    const startedMs = performance.now();
    await move();
    const movedMs = performance.now();
    const quietSince = (): number => Math.max(lanes.lastOf(old.name) ?? 0, movedMs);
    await eventually(`${old.name} to answer no more`, () => performance.now() - quietSince() > quietMs, {
      everyMs: 20,
    });
    return Math.max(0, (lanes.lastOf(old.name) ?? startedMs) - startedMs);
  };
  const [rollbacksMs, promotesMs]: [number[], number[]] = [[], []];
  for (let round = 0; round < rollbacks; round++) {
    const ids = { sourceDeploymentId: after.id, targetDeploymentId: before.id };
    rollbacksMs.push(await lastOldMs(after, () => client.rollback(ids)));
    promotesMs.push(await lastOldMs(before, () => client.promote({ targetDeploymentId: after.id })));
  }
  const { switches } = await client.listSwitches({ deploymentId: before.id, pageSize: 100 });
  const receipts = switches.flatMap(({ receipt }) => receipt === undefined ? [] : [receipt]);
  return { rollbacksMs, promotesMs, receipts };
}
