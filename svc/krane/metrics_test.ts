import assert from "node:assert/strict";
import { Fault } from "../../pkg/fault/mod.ts";
import { testMetrics } from "../../pkg/metrics/testing.ts";
import type { Actor, Observed } from "./internal/control/controller.ts";
import type { DesiredDeployment } from "./internal/deployment/desired.ts";
import type { Instance } from "./internal/runtime/port.ts";
import {
  countInstances,
  meteredActor,
  meterReports,
  meterRuntimeCalls,
  watchController,
  watchOutput,
} from "./metrics.ts";

const signal = new AbortController().signal;
const limit = <T>(task: () => Promise<T>): Promise<T> => task();

function instance(name: string, status: Instance["status"], restarts = 0): Instance {
  const rest = { address: "", cpuMillicores: 1, memoryMib: 1, reason: "", message: "", lastLogLines: [] };
  return { name, status, restarts, ...rest };
}

/** Answers with what was put in last. */
class Scripted implements Actor<DesiredDeployment, readonly Instance[]> {
  readonly noun = "deployment";
  next: Observed<readonly Instance[]> | Error = { content: [] };

  reconcile(): Promise<Observed<readonly Instance[]>> {
    return this.next instanceof Error ? Promise.reject(this.next) : Promise.resolve(this.next);
  }

  remove(): Promise<void> {
    return Promise.resolve();
  }
}

// Only its name is read here.
const desired = { name: "d-1" } as DesiredDeployment;

Deno.test("instances are counted by status, and restarts that happen while the agent looks", async () => {
  using test = await testMetrics();
  const actor = new Scripted();
  const counted = countInstances(actor, test.metrics);
  actor.next = { content: [instance("a", "running", 4), instance("b", "pending")] };
  await counted.reconcile(desired, signal);
  assert.deepEqual(await test.read("unkey_instances"), {
    'status="pending"': 1,
    'status="running"': 1,
    'status="failed"': 0,
  });
  assert.deepEqual(await test.read("unkey_instance_restarts_total"), { "": 0 }, "the four were before");
  actor.next = { content: [instance("a", "running", 6), instance("b", "failed", 1)] };
  await counted.reconcile(desired, signal);
  await counted.reconcile(desired, signal);
  assert.deepEqual(await test.read("unkey_instance_restarts_total"), { "": 3 });
  await counted.remove("d-1", signal, limit);
  assert.equal((await test.read("unkey_instances"))['status="running"'], 0);
});

Deno.test("a state that was not reached counts as a failure, and its instances are still reported", async () => {
  using test = await testMetrics();
  const actor = new Scripted();
  const metered = meteredActor(actor, test.metrics);
  const failure = new Fault("unavailable", "no image");
  actor.next = { content: [instance("a", "failed")], failure };
  const observed = await metered.reconcile(desired, signal);
  assert.equal(observed.failure, failure);
  assert.equal(observed.content.length, 1);
  actor.next = new Fault("deadline_exceeded", "engine hangs");
  await assert.rejects(metered.reconcile(desired, signal), /engine hangs/);
  actor.next = { content: [] };
  await metered.reconcile(desired, signal);
  await metered.remove("d-1", signal, limit);
  assert.deepEqual(await test.read("unkey_reconciles_total"), {
    'kind="deployment",code="unavailable"': 1,
    'kind="deployment",code="deadline_exceeded"': 1,
    'kind="deployment",code="ok"': 2,
  });
});

Deno.test("calls of the runtime and reports are counted by code", async () => {
  using test = await testMetrics();
  const calls = meterRuntimeCalls(test.metrics);
  await calls("GET")(() => Promise.resolve());
  await assert.rejects(calls("POST")(() => Promise.reject(new Fault("already_exists", "there"))));
  await assert.rejects(
    meterReports(test.metrics, "sentinel")(() => Promise.reject(new Fault("unavailable", ""))),
  );
  assert.deepEqual(await test.read("unkey_runtime_calls_total"), {
    'method="GET",code="ok"': 1,
    'method="POST",code="already_exists"': 1,
  });
  assert.deepEqual(await test.read("unkey_reports_total"), { 'kind="sentinel",code="unavailable"': 1 });
});

Deno.test("queues are read before each scrape", async () => {
  using test = await testMetrics();
  watchController({ queue: { running: 8, waiting: 3 }, desired: () => [1, 2] }, "deployment", test.metrics);
  const shipper = { waitingChars: 10, droppedLines: 5 };
  watchOutput(shipper, test.metrics);
  assert.deepEqual(await test.read("unkey_reconcile_queue"), {
    'kind="deployment",state="running"': 8,
    'kind="deployment",state="waiting"': 3,
  });
  assert.deepEqual(await test.read("unkey_desired_resources"), { 'kind="deployment"': 2 });
  shipper.droppedLines = 7;
  assert.deepEqual(await test.read("unkey_output_dropped_lines_total"), { "": 7 }, "not 5 and 7");
  assert.deepEqual(await test.read("unkey_output_waiting_chars"), { "": 10 });
});
