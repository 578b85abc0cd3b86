/** A worker and an agent as processes, with all that they write on a disk that is full for a while. */
import assert from "node:assert/strict";
import { Secret } from "../../pkg/config/mod.ts";
import { Bench, NO_ENGINE } from "../../svc/krane/testing_bench.ts";
import { apply, Status, until } from "../../svc/krane/testing.ts";
import { seedProject } from "../../svc/ctrl/internal/store/testing.ts";
import { instanceReport } from "../../svc/ctrl/worker/testing.ts";
import { Part } from "../testbed/process.ts";
import { canMount, SmallDisk } from "../testbed/small_disk.ts";
import { answersOk, eventually, freePort } from "../testbed/wait.ts";
import { WorkerBed } from "./worker_bed.ts";
import { MAIN } from "../../pkg/testkit/program.ts";

const STARTING = instanceReport({ status: "pending", reason: "starting", address: "" });
const ignore = !await canMount();

Deno.test({
  name: "a worker whose database has no room is not ready, and ends its deploys when there is some",
  ignore,
  fn: async () => {
    await using disk = await SmallDisk.mount(16);
    const bed = await WorkerBed.startWith({
      worker: (part) => new Part({ ...part, logFile: `${disk.folder}/log` }),
      databaseUrl: new Secret(`sqlite://${disk.folder}/ctrl.db`),
    });
    try {
      const ready = () => answersOk(`${bed.healthUrl}/ready`);
      bed.behaviour = () => [STARTING];
      const id = await bed.create();
      await bed.workflows.submitDeploy(id);
      await bed.until(id, "deploying");
      await disk.fill();
      // Room in the log of the database is used up first.
      await eventually("the worker to be not ready", async () => {
        const rows = Array.from({ length: 20 }, () => seedProject(bed.db));
        await Promise.allSettled(rows);
        return !await ready();
      });
      bed.behaviour = () => [instanceReport()];
      const late = bed.workflows.instancesChanged(id, AbortSignal.timeout(60_000));
      await late.catch(() => undefined);
      assert.ok(bed.worker.running, "it waits for room");
      assert.ok(await answersOk(`${bed.healthUrl}/live`));
      assert.equal(await bed.status(id), "deploying", "reads go on");

      await disk.free();
      await eventually("the worker to be ready", ready);
      await bed.until(id, "ready");
      const log = await Deno.readTextFile(`${disk.folder}/log`);
      assert.match(
        log,
        /"event":"database takes no writes","error":"unavailable: no space for the SQLite file/,
      );
    } finally {
      await bed.stop();
    }
  },
});

/** It must not be taken out of service for it: pods get their variables from it. */
Deno.test({
  name: "an agent on a full disk goes on with its work, and after a crash takes up what it could not store",
  ignore: ignore || NO_ENGINE,
  fn: async () => {
    await using disk = await SmallDisk.mount(1);
    await using bench = await Bench.open();
    const { plane } = bench;
    const port = freePort();
    const agent = new Part({
      name: "krane",
      command: Deno.execPath(),
      args: ["run", "-A", "--no-check", MAIN, "krane"],
      env: () => ({
        UNKEY_CONTROL_PLANE_URL: plane.url,
        UNKEY_CONTROL_PLANE_BEARER: "region_token",
        UNKEY_CONTROL_PLANE_ID: bench.id,
        UNKEY_REGION: "test.region",
        UNKEY_RUNTIME: "docker",
        UNKEY_KRANE_PUBLISH_ADDRESS: "127.0.0.1",
        UNKEY_KRANE_STATE_DIR: `${disk.folder}/state`,
        UNKEY_HTTP_HOST: "127.0.0.1",
        UNKEY_HTTP_PORT: String(port),
        UNKEY_KRANE_DRAIN_MS: "200",
        UNKEY_KRANE_STOP_GRACE_SECONDS: "2",
      }),
      logFile: `${bench.stateDir}/log`,
      ready: () => answersOk(`http://127.0.0.1:${port}/health/live`),
    });
    const [first, second] = [bench.name(), bench.name()];
    try {
      await agent.start();
      const stream = await plane.snapshot(0, 1, apply(first, 1));
      await plane.settled(first, Status.RUNNING);
      await disk.fill();
      stream.send(apply(second, 2));
      await plane.settled(second, Status.RUNNING);
      assert.ok(agent.running && await answersOk(`http://127.0.0.1:${port}/health/ready`));

      await eventually(
        "a line about the state",
        async () => (await agent.logTail()).includes("state cannot be saved"),
      );
      const ids = (await bench.containers()).map(({ id }) => id).toSorted();
      await agent.kill("SIGKILL");
      const starts = agent.start();
      await plane.snapshot(1, 2, apply(first, 1), apply(second, 2));
      await starts;
      await until(
        "all to be reported again",
        () =>
          [first, second].every((name) =>
            plane.instances(name).some(({ status }) => status === Status.RUNNING)
          ),
      );
      assert.deepEqual(
        (await bench.containers()).map(({ id }) => id).toSorted(),
        ids,
        "nothing was replaced",
      );
    } finally {
      await agent.kill("SIGKILL");
    }
  },
});
