/**
 * Cases in which the platform once failed people with real apps, and the test that holds each. A case is found by its
 * name, and a test that is renamed or removed is missed.
 */
import assert from "node:assert/strict";
import { readSource } from "./sources.ts";

const APPS = "tests/e2e/apps_test.ts";
const SHAPES = "tests/e2e/shapes_test.ts";
const ENGINE = "svc/krane/run_docker_";
const PODS = "tests/kubernetes/";
const STATUS = "svc/krane/internal/runtime/kubernetes/";

/** Case, what people met, test file, and the name of the test or step there. */
const CASES: readonly (readonly [name: string, met: string, file: string, test: string])[] = [
  [
    "branches_collide",
    "two branches had one host name",
    "svc/ctrl/worker/routing/steps_test.ts",
    "no deployment takes the host name of another branch, or of its branch in another environment",
  ],
  [
    "crash_invisible",
    "a crash of a live app left no trace",
    APPS,
    "a crash of a live app is in status, in its output, and mended",
  ],
  [
    "crash_invisible, memory",
    "neither did a kill for memory",
    `${ENGINE}health_test.ts`,
    "an app that is killed for its memory runs again, and the end is reported and in its output",
  ],
  [
    "disk_full",
    "a full disk ended the process that serves all apps",
    "cmd/up/log_file_test.ts",
    "a log file that takes nothing does not fail its writers",
  ],
  [
    "h2c",
    "HTTP/2 in clear text got an empty reply",
    "pkg/proxy/http2_preface_test.ts",
    "a client that begins with HTTP/2 is refused in HTTP/2, with the reason",
  ],
  [
    "health_hiccup",
    "a short failure took the only instance away",
    `${ENGINE}health_test.ts`,
    "the only instance keeps its address while its health check fails, and says why",
  ],
  [
    "health_reason_lost",
    "a failed check did not say what was answered",
    APPS,
    "a health check that is refused says what was answered, and what the app printed",
  ],
  [
    "health_reason_lost, host",
    "a check of the Host header could not be satisfied",
    SHAPES,
    "a check of the Host header takes the app's own host, and a refusal quotes the app",
  ],
  [
    "healthcheck_ignored",
    "a HEALTHCHECK was ignored without a word",
    "pkg/build/explain/notices_test.ts",
    "dockerfileNotices() tells of a HEALTHCHECK that nothing asks for",
  ],
  [
    "log_follower_stuck",
    "output stopped after a burst",
    `${ENGINE}output_test.ts`,
    "a line comes that an app prints after 60 MB at full speed",
  ],
  [
    "log_follower_stuck, newest engine",
    "the same on Docker Engine 29",
    `${ENGINE}newest_test.ts`,
    "a long line after 40 MB at full speed comes, and so do those behind it",
  ],
  [
    "log_follower_stuck, rotation",
    "the rotation of log files swallowed lines without a word",
    "svc/krane/internal/logs/flood_test.ts",
    "FloodMeter calls it a flood when 4 MB come within 10 s",
  ],
  [
    "log_lines_cut",
    "long lines and what follows a NUL were lost",
    `${ENGINE}output_test.ts`,
    "a line of 20 kB, and one with a NUL, are shipped whole",
  ],
  [
    "memory_fixed",
    "an app of 300 MB could not be run",
    APPS,
    "an app of 300 MB runs after the command that its failure names",
  ],
  [
    "other_port",
    "the port of EXPOSE was not seen",
    SHAPES,
    "a server that listens where EXPOSE says, and ignores PORT",
  ],
  [
    "preview_stop",
    "a preview could not be ended",
    APPS,
    "a preview is ended by a stop, and production is not",
  ],
  [
    "preview_stop, unused",
    "previews ran for ever",
    SHAPES,
    "a deployment without requests ends, and one with an open stream goes on",
  ],
  [
    "rst_is_success",
    "a broken response looked whole",
    `${ENGINE}address_test.ts`,
    "an edge beside the engine connects to the container, and gets what the app does",
  ],
  [
    "slow_start",
    "an app that starts slowly could not be run",
    APPS,
    "an app that starts slowly runs after the option that its failure names",
  ],
  [
    "unhealthy_live",
    "a live app that got unhealthy stayed so, without a reason",
    APPS,
    "a live app that hangs is reported, and serves again",
  ],
  [
    "volume_lost",
    "files of a VOLUME were gone without a word",
    APPS,
    "a volume is reported, and long lines come whole",
  ],
  [
    "zombies",
    "orphans of an app's children were collected by nobody",
    `${ENGINE}settings_test.ts`,
    "an app with an init process leaves no zombies, and one without keeps them",
  ],
  [
    "kubernetes 1: rootdrop, suonly, dac",
    "images that start as root and drop to a user did not run as pods",
    `${PODS}images_test.ts`,
    "images that start as root run as pods, with the operator's labels",
  ],
  [
    "kubernetes 2: dns.py",
    "names were not resolved at a resolver in a denied network",
    `${PODS}dns_test.ts`,
    "apps resolve names at a resolver in a denied network, whose other ports stay denied",
  ],
  [
    "kubernetes 10: evict",
    "an eviction for a full disk was reported nowhere",
    `${STATUS}notes_test.ts`,
    "Notes tells of a pod that has ended once, as a line that moves no position",
  ],
  [
    "kubernetes 3 and 4: quota, LimitRange, PodSecurity",
    "refused pods were not reported",
    `${PODS}refusals_test.ts`,
    "a quota, a LimitRange and PodSecurity are reported, and the app comes when they let it",
  ],
  [
    "kubernetes 3 and 4, as users see it",
    "a deploy was silent for 300 s, and a live app down without a reason",
    `${PODS}refused_deploy_test.ts`,
    "a deploy says what it waits for, ends at a refusal, and a live app's refusal is shown",
  ],
  [
    "kubernetes 5",
    "a refused ReplicaSet was reported as lack of capacity",
    `${PODS}refusals_test.ts`,
    "a policy that refuses the ReplicaSet is reported for the app, and what runs goes on",
  ],
  [
    "kubernetes 6",
    "a pod that cannot be made stayed when its operator had mended the cause",
    `${PODS}refusals_test.ts`,
    "a runtime that is missing is reported, and its pod is made anew with other settings",
  ],
  [
    "kubernetes 7",
    "nothing ran where PodSecurity restricted is enforced",
    `${PODS}images_test.ts`,
    "in a namespace that enforces restricted, an image's user decides, and advice is given",
  ],
  [
    "kubernetes 8: lst.py",
    "two agents wrote against each other without end",
    `${PODS}leader_test.ts`,
    "of two agents one acts, and the other one takes over when it is killed",
  ],
  [
    "kubernetes 8, another writer",
    "so did any other writer of the same objects",
    `${PODS}leader_test.ts`,
    "another writer is written over, ever more slowly, and is named",
  ],
  [
    "kubernetes 9: mutate.yaml",
    "a broken sidecar was reported as the app's fault",
    `${PODS}sidecar_test.ts`,
    "a broken container that the cluster puts beside an app is named, and the app is not blamed",
  ],
  [
    "kubernetes 11",
    "a drain of the only pod was an outage",
    `${PODS}drain_test.ts`,
    "a drain ends where no other pod can run, after a limited time",
  ],
  [
    "kubernetes 12",
    "an app stayed down for minutes after its quota was lifted",
    `${STATUS}refused_sets_test.ts`,
    "RefusedSets has Kubernetes try again soon after a pod of the namespace is gone",
  ],
  [
    "kubernetes 14: dep",
    "an app came back a minute after what it needs",
    `${STATUS}status_restart_test.ts`,
    "restartDueMs() ends the back-off of Kubernetes after 30 s",
  ],
  [
    "kubernetes 15",
    "a pod that does not end",
    `${PODS}foreign_hands_test.ts`,
    "a pod that does not come to end holds up its own deployment only, which says so",
  ],
  [
    "kubernetes 16 and 17",
    "objects that other hands delete or change",
    `${PODS}foreign_hands_test.ts`,
    "a ReplicaSet that is scaled or deleted, and its whole namespace, come back",
  ],
  [
    "kubernetes 18: logs, ok",
    "output of pods",
    `${PODS}krane_run_test.ts`,
    "an app runs as pods, answers at the reported addresses, and its output is shipped",
  ],
  [
    "kubernetes 19 and 20",
    "variables with odd names, and of the size that is allowed",
    `${PODS}variables_test.ts`,
    "an app in a pod gets variables with any name and value as they are",
  ],
  [
    "kubernetes 20, beyond the size",
    "variables that are too large are refused when they are set",
    "svc/ctrl/services/admin/variables_test.ts",
    "environment variables are stored as ciphertext, within limits, and never read back",
  ],
  [
    "kubernetes 22: arm",
    "a program for another kind of machine",
    `${PODS}odd_images_test.ts`,
    "a program for another kind of machine is reported as such, within seconds",
  ],
  [
    "kubernetes 23: p80",
    "a user without rights on port 80",
    `${PODS}odd_images_test.ts`,
    "an app of a user without rights binds port 80",
  ],
  [
    "kubernetes 24",
    "rights that are taken from the agent",
    `${PODS}lost_rights_test.ts`,
    "an agent whose rights are taken away says so, and goes on when they are back",
  ],
  [
    "kubernetes 25",
    "a setting of the operator's without an effect",
    `${STATUS}settings_test.ts`,
    "each setting of pods has its effect",
  ],
  [
    "a node that is lost",
    "an app of one replica stayed down for five minutes",
    `${PODS}node_test.ts`,
    "pods of a node that went silent are not reported as running, and are replaced soon",
  ],
];

Deno.test("each case in which the platform failed an app has its test", async () => {
  const missing: string[] = [];
  for (const [name, , file, test] of CASES) {
    if (!(await readSource(file)).includes(JSON.stringify(test))) missing.push(`${name}: ${file}: ${test}`);
  }
  assert.deepEqual(missing, []);
});
