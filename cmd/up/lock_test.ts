import assert from "node:assert/strict";
import { join } from "node:path";
import { lockFolder } from "./lock.ts";

/** Names the packages of the program below, which lies in no folder. */
const CONFIG = new URL("../../deno.json", import.meta.url).pathname;

async function withPath(test: (path: string, folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "unkey-up-" });
  try {
    await test(join(folder, "up.lock"), folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** Two platforms on one database and one Restate folder would destroy both. */
Deno.test("a folder that another process has is refused, naming the process, until that process is gone", () =>
  withPath(async (path, folder) => {
    const script = `
      import { lockFolder } from ${JSON.stringify(new URL("lock.ts", import.meta.url).href)};
      await lockFolder(${JSON.stringify(path)}, ${JSON.stringify(folder)});
      console.log("locked");
      await new Promise(() => setInterval(() => {}, 1000));
    `;
    const other = new Deno.Command(Deno.execPath(), {
      args: [
        "run",
        "-A",
        "--quiet",
        "--config",
        CONFIG,
        `data:application/typescript,${encodeURIComponent(script)}`,
      ],
      stdin: "null",
      stdout: "piped",
    }).spawn();
    try {
      for await (const _line of other.stdout.pipeThrough(new TextDecoderStream())) break;
      await assert.rejects(lockFolder(path, folder), {
        code: "failed_precondition",
        publicMessage: new RegExp(`already runs on ${folder} \\(process ${other.pid}\\).*--data-dir`),
      });
    } finally {
      other.kill("SIGKILL");
      await other.status;
    }
    await (await lockFolder(path, folder)).release();
  }));

Deno.test("a lock can be taken again after its release, and over what a crash left in the file", () =>
  withPath(async (path, folder) => {
    await (await lockFolder(path, folder)).release();
    await (await lockFolder(path, folder)).release();
    for (const left of ["", "{", `{"pid":1,"identity":"of another boot"}`, `{"pid":"x"}`]) {
      await Deno.writeTextFile(path, left);
      await (await lockFolder(path, folder)).release();
    }
  }));
