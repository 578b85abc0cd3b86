/**
 * The cost of an idle stream with nothing but the HTTP server: `deno run -A tests/bench/feed_floor.ts` serves streams that
 * send a few bytes now and then, and prints its port.
 */
// deno-lint-ignore-file no-console -- its result is its output
import { createServer, type ServerResponse } from "node:http";
import { residentMib } from "./memory.ts";

const STREAMS = 500;
const WARM_STREAMS = 50;
const WORD_MS = 3_000;
const SETTLE_MS = 2_000;

/** KiB per stream of a server that does nothing else. */
export async function bareStreamKib(): Promise<number> {
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--quiet", new URL(import.meta.url).pathname],
    stdout: "piped",
  }).spawn();
  const leave = new AbortController();
  const lines = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  try {
    const { value: port = "" } = await lines.read();
    const open = async (count: number): Promise<void> => {
      for (let n = 0; n < count; n++) {
        const url = `http://127.0.0.1:${port.trim()}/`;
        const response = await fetch(url, { method: "POST", body: "x", signal: leave.signal });
        // Reads for as long as it lasts; its end is the abort.
        response.body?.pipeTo(new WritableStream()).catch(() => undefined);
      }
      await new Promise((resolve) => setTimeout(resolve, SETTLE_MS));
    };
    await open(WARM_STREAMS);
    const before = await residentMib(child.pid);
    await open(STREAMS);
    return (await residentMib(child.pid) - before) * 1_024 / STREAMS;
  } finally {
    leave.abort();
    child.kill("SIGKILL");
    await lines.cancel();
    await child.status;
  }
}

function serve(): void {
  const word = new Uint8Array([1]);
  const streams = new Set<ServerResponse>();
  setInterval(() => {
    for (const each of streams) each.write(word);
  }, WORD_MS);
  const server = createServer((request, response) => {
    response.once("close", () => streams.delete(response));
    request.resume().once("end", () => {
      streams.add(response);
      response.write(word);
    });
  });
  server.listen(0, "127.0.0.1", () => {
    const address = server.address();
    console.log(typeof address === "object" ? address?.port : address);
  });
}

if (import.meta.main) serve();
