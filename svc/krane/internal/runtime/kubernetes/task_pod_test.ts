import assert from "node:assert/strict";
import { z } from "zod";
import { AnyObject } from "../../../../../pkg/kube/mod.ts";
import { LABEL } from "./labels.ts";
import { selector } from "./replica_set.ts";
import { isTask, taskPod } from "./task_pod.ts";
import { DESIRED, goldenTest, settings } from "./testing_manifests.ts";

const TASK = { name: "release", command: ["sh", "-c", "migrate"], timeoutSeconds: 60, isStarted: false };
const OWNER = { uid: "u-1" };

goldenTest("taskPod() makes the pod of the golden file", {
  task_pod: () => taskPod(DESIRED, TASK, { owner: OWNER, settings: settings({}) }),
});

const Labelled = z.object({ metadata: z.object({ labels: z.record(z.string(), z.string()) }) });

Deno.test("taskPod() makes no pod that the deployment's ReplicaSet or its budget would count", () => {
  const { metadata } = Labelled.parse(taskPod(DESIRED, TASK, { owner: OWNER, settings: settings({}) }));
  const selected = Object.entries(selector(DESIRED, settings({})));
  assert.equal(selected.every(([name, value]) => metadata.labels[name] === value), false);
  assert.equal(metadata.labels[LABEL.taskOf], DESIRED.deploymentId);
});

Deno.test("isTask() tells pods of tasks from instances", () => {
  const of = (labels: Readonly<Record<string, string>>) =>
    isTask(AnyObject.parse({ metadata: { name: "a", uid: "u", resourceVersion: "1", labels } }));
  assert.deepEqual([of({ [LABEL.task]: "release" }), of({})], [true, false]);
});
