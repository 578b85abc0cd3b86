import assert from "node:assert/strict";
import { join } from "node:path";
import { systemClock } from "../../pkg/clock/mod.ts";
import { temporaryFolder } from "../shared/testing.ts";
import { replaceProgram } from "./replace.ts";
import { FORMER, programOf } from "./testing.ts";

Deno.test("on Windows the running program is renamed, and removed by the next upgrade", async () => {
  await using folder = await temporaryFolder();
  const [place, next] = [join(folder.path, "unkey.exe"), join(folder.path, "next.exe")];
  await Deno.writeTextFile(place, FORMER);
  const ways = { clock: systemClock(), signal: new AbortController().signal };
  for (const [version, former] of [["0.2.0", FORMER], ["0.3.0", programOf("0.2.0")]] as const) {
    await Deno.writeTextFile(next, programOf(version));
    await replaceProgram(next, place, ways, "windows");
    assert.equal(await Deno.readTextFile(place), programOf(version));
    assert.equal(await Deno.readTextFile(`${place}.former`), former);
  }
});

Deno.test("a start that is cut off by Ctrl-C is no failure of the new program", async () => {
  await using folder = await temporaryFolder();
  const [place, next] = [join(folder.path, "unkey"), join(folder.path, "next")];
  await Deno.writeTextFile(next, "#!/bin/sh\nexec sleep 60\n");
  const stop = new AbortController();
  const done = replaceProgram(next, place, { clock: systemClock(), signal: stop.signal });
  stop.abort(new DOMException("Got SIGINT", "AbortError"));
  await assert.rejects(done, { name: "AbortError" });
});
