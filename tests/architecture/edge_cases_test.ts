/**
 * Cases in which the platform once failed people with real apps, and the test that holds each. A case is found by its
 * name, and a test that is renamed or removed is missed.
 */
import assert from "node:assert/strict";
import { readSource } from "./sources.ts";

const APPS = "tests/e2e/apps_test.ts";
const SHAPES = "tests/e2e/shapes_test.ts";
const ENGINE = "svc/krane/run_docker_";

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
    "a live app that hangs is told about, and serves again",
  ],
  [
    "volume_lost",
    "files of a VOLUME were gone without a word",
    APPS,
    "a volume is told about, and long lines come whole",
  ],
];

Deno.test("each case in which the platform failed an app has its test", async () => {
  const missing: string[] = [];
  for (const [name, , file, test] of CASES) {
    if (!(await readSource(file)).includes(JSON.stringify(test))) missing.push(`${name}: ${file}: ${test}`);
  }
  assert.deepEqual(missing, []);
});
