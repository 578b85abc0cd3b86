import assert from "node:assert/strict";
import { createProgress } from "./progress.ts";

function bed(
  live: boolean,
): { readonly progress: ReturnType<typeof createProgress>; readonly text: () => string } {
  let written = "";
  let nowMs = 0;
  const progress = createProgress({
    stderr: (text) => void (written += text),
    terminal: { stdin: false, stdout: false, stderr: live, colour: false, live, columns: () => 80 },
    clock: { now: () => nowMs += 250, sleep: () => Promise.resolve() },
  });
  return { progress, text: () => written };
}

Deno.test("without a terminal there is one line per part and per quarter of a download", async () => {
  const { progress, text } = bed(false);
  await progress.step("restate", (download) => {
    for (let received = 0; received <= 80e6; received += 1e6) {
      download({ receivedBytes: received, totalBytes: 80e6 });
    }
    return Promise.resolve("1.7.12");
  }, (version) => version);
  progress.notice("restate", "is new");
  await assert.rejects(progress.step("api", () => Promise.reject(new Error("no")), () => ""));
  assert.deepEqual(text().split("\n"), [
    "  restate         downloading, 0 MB of 80 MB",
    "  restate         downloading, 20 MB of 80 MB",
    "  restate         downloading, 40 MB of 80 MB",
    "  restate         downloading, 60 MB of 80 MB",
    "  restate         downloading, 80 MB of 80 MB",
    "ok restate         1.7.12  0.3 s",
    "!  restate         is new",
    "-- api             did not start",
    "",
  ]);
});

Deno.test("on a terminal a bar redraws itself", async () => {
  const { progress, text } = bed(true);
  await progress.step("restate", (download) => {
    download({ receivedBytes: 40e6, totalBytes: 80e6 });
    return Promise.resolve("1.7.12");
  }, (version) => version);
  const bar = "\r\x1b[K  restate         ############------------ 40 MB of 80 MB";
  assert.ok(text().includes(`${bar}\r\x1b[Kok restate         1.7.12`), JSON.stringify(text()));
});
