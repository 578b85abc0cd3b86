/** Traffic that moves under load: no request may fail, and the old version answers for less than a second more. */
// deno-lint-ignore-file no-console -- prints a table when run alone
import { Secret } from "../../pkg/config/mod.ts";
import { createRpcClient } from "../../pkg/rpc/mod.ts";
import { DeploymentService } from "../../proto/gen/ctrl/v1/deployment_pb.ts";
import { serves } from "../testbed/apps.ts";
import { Lanes } from "../testbed/lanes.ts";
import { answers, Testbed, writeApp } from "../testbed/testbed.ts";
import { eventually } from "../testbed/wait.ts";
import { machine, quantile, renderTable, type Row } from "./row.ts";

const ROUNDS = 10;
const REQUESTS = 10_000;
const LANES = 8;
const LAST_OLD_MS_MAX = 1_000;
/** Longer than any old answer may come after a switch. */
const QUIET_MS = 1_500;

/** Ten times: deploy, roll back, promote, with requests all the while. */
export async function benchSwitch(): Promise<Row[]> {
  await using bed = await Testbed.start({ workerEnv: { UNKEY_STOP_GRACE_SECONDS: "1" } });
  const { slug } = await bed.project("shop");
  const client = createRpcClient(DeploymentService, {
    baseUrl: bed.apiUrl,
    token: new Secret(bed.rootKey),
    timeoutMs: 60_000,
  });
  const deploy = async (version: number): Promise<{ id: string; urls: readonly string[] }> => {
    const folder = await writeApp(bed, serves(`version ${version}.`));
    const { code, stdout, stderr } = await bed.unkey(
      ["deploy", folder, "--project", slug, "--env", "production", "--json"],
    );
    if (code !== 0) throw new Error(`deploy ${version}: ${stdout}\n${stderr}`);
    return JSON.parse(stdout);
  };
  let before = await deploy(0);
  const url = before.urls[0] ?? "";
  await answers(bed, url, "version 0.");
  const lanes = new Lanes({ port: bed.ports.edge, url, lanes: LANES, version: /version \d+/ });

  /** How long the version answers after `move` was asked for. */
  const lastOld = async (version: number, move: () => Promise<unknown>): Promise<number> => {
    const startedMs = performance.now();
    await move();
    const movedMs = performance.now();
    const name = `version ${version}`;
    await eventually(
      `${name} to be silent`,
      () => performance.now() - Math.max(lanes.lastOf(name) ?? 0, movedMs) > QUIET_MS,
      { everyMs: 20 },
    );
    return (lanes.lastOf(name) ?? startedMs) - startedMs;
  };

  const rollbacks: number[] = [];
  const promotes: number[] = [];
  for (let round = 1; round <= ROUNDS; round++) {
    const after = await deploy(round);
    const [from, to] = [after.id, before.id];
    rollbacks.push(
      await lastOld(round, () => client.rollback({ sourceDeploymentId: from, targetDeploymentId: to })),
    );
    promotes.push(await lastOld(round - 1, () => client.promote({ targetDeploymentId: from })));
    before = after;
  }
  await eventually(`${REQUESTS} requests`, () => lanes.asked >= REQUESTS);
  const { asked, failed } = await lanes.stop();
  if (failed.length > 0) console.error(failed.join("\n"));
  return [
    {
      measure: `requests failed during ${ROUNDS} deploys, rollbacks and promotes`,
      bound: "0 in 10,000",
      measured: `${failed.length} in ${asked}`,
      ok: failed.length === 0 && asked >= REQUESTS,
    },
    lastOldRow("rollback → last old response at the edge, p99", rollbacks),
    lastOldRow("promote → last old response at the edge, p99", promotes),
  ];
}

function lastOldRow(measure: string, values: readonly number[]): Row {
  const [p50, p99] = [quantile(values, 0.5), quantile(values, 0.99)];
  return {
    measure,
    bound: `< ${LAST_OLD_MS_MAX / 1000} s`,
    measured: `${p99.toFixed(0)} ms (p50 ${p50.toFixed(0)} ms, ${values.length} times)`,
    ok: p99 < LAST_OLD_MS_MAX,
  };
}

if (import.meta.main) console.log(renderTable(await benchSwitch(), machine()));
