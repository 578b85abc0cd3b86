/** A deployment's end is read from its durable state, however often the stream of its events is cut. */
import assert from "node:assert/strict";
import { statusName } from "../../../cmd/shared/deployment_view.ts";
import { unkey } from "../../../cmd/shared/testing.ts";
import { systemClock } from "../../../pkg/clock/mod.ts";
import { DeploymentService } from "../../../proto/gen/ctrl/v1/deployment_pb.ts";
import { startApi } from "../../../svc/ctrl/services/testing.ts";
import { ChaosProxy, dice, pause } from "../feed_chaos.ts";
import { type Ending, live } from "./lives.ts";

const DEPLOYMENTS = 1_000;
const AT_ONCE = 20;
const PARTS_PER_CUT = 5;
/** Retries wait this much shorter than they do for users. */
const FASTER = 25;
const SEED = Number(Deno.env.get("UNKEY_TEST_CUT_SEED") ?? crypto.getRandomValues(new Uint32Array(1))[0]);

const ENDINGS: readonly { readonly ending: Ending; readonly code: number }[] = [
  { ending: { status: "ready" }, code: 0 },
  { ending: { status: "failed", failureCode: "build_failed" }, code: 12 },
  { ending: { status: "failed", failureCode: "crash_loop" }, code: 13 },
  { ending: { status: "failed", failureCode: "host_taken" }, code: 14 },
  { ending: { status: "failed", failureCode: "internal" }, code: 1 },
  { ending: { status: "cancelled" }, code: 15 },
  { ending: { status: "superseded" }, code: 16 },
];

Deno.test(`${DEPLOYMENTS} watched deployments end with the right code and object, each stream cut at random`, async () => {
  await using api = await startApi();
  const tenant = await api.tenant("acme");
  const roll = dice(SEED);
  const lives = new Map<
    string,
    { readonly done: Promise<void>; readonly code: number; readonly output: string[][] }
  >();
  api.workflows.submitDeploy = (id) => {
    if (lives.has(id)) return Promise.resolve();
    const { ending, code } = ENDINGS[roll(ENDINGS.length)] ?? assert.fail("there is no such ending");
    const output = Array.from({ length: roll(6) }, (_, at) => [`${at} a`, `${at} b`]);
    lives.set(id, {
      code,
      output,
      done: live(api.db, id, { ending, output, beforeEach: () => pause(roll(40)) }),
    });
    return Promise.resolve();
  };
  await using proxy = new ChaosProxy([api.port], roll);
  proxy.cutByParts(PARTS_PER_CUT);
  const env = { UNKEY_API_BASE_URL: proxy.url, UNKEY_ROOT_KEY: tenant.rootKey };
  const clock = {
    ...systemClock(),
    sleep: (ms: number, signal?: AbortSignal) => systemClock().sleep(ms / FASTER, signal),
  };
  const client = api.client(DeploymentService, tenant.rootKey);
  let [next, ended] = [0, 0];
  const deployAndCompare = async (branch: string): Promise<void> => {
    const args = ["deploy", "--image", "nginx:1", "--project", "shop", "--branch", branch, "--json"];
    const { code, stdout, stderr } = await unkey([...args, "--timeout", "24h"], { env, clock });
    const shown = JSON.parse(stdout);
    // Every attempt of a call before the watch was cut: not the subject here, and there is nothing to watch.
    if (shown.id === null) return assert.deepEqual([code, shown.error.code], [20, "unavailable"]);
    const life = lives.get(shown.id) ?? assert.fail(`${shown.id} was not created`);
    await life.done;
    const { deployment } = await client.getDeployment({ deploymentId: shown.id });
    const { status = 0, failureCode = "", urls = [] } = deployment ?? {};
    const name = statusName(status);
    assert.deepEqual(
      { code, status: shown.status, exitCode: shown.exitCode, error: shown.error?.code, urls: shown.urls },
      {
        code: life.code,
        status: name,
        exitCode: life.code,
        error: name === "ready" ? undefined : failureCode || name,
        urls: name === "ready" ? urls : [],
      },
    );
    const printed = stderr.split("\n").flatMap((line) => /^ {3}\| (.*)$/.exec(line)?.[1] ?? []);
    assert.deepEqual(printed, life.output.flat(), "each line of the build, once");
    ended++;
  };
  const worker = async (): Promise<void> => {
    while (ended < DEPLOYMENTS) await deployAndCompare(`b${next++}`);
  };
  try {
    await Promise.all(Array.from({ length: AT_ONCE }, worker));
  } catch (error) {
    throw new Error(`with the seed ${SEED}`, { cause: error });
  } finally {
    await Promise.all([...lives.values()].map(({ done }) => done));
  }
  assert.ok(proxy.cuts > DEPLOYMENTS, `${proxy.cuts} cuts`);
});
