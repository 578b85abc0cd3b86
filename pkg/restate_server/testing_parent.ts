import { join } from "node:path";
import { systemClock } from "../clock/mod.ts";
import { silentLogger } from "../logger/mod.ts";
import { startRestateServer } from "./server.ts";

/** A process that starts a server, says which, and waits to be killed. */
const [binary = "", directory = ""] = Deno.args;
const server = await startRestateServer({
  binary,
  baseDir: join(directory, "data"),
  logFile: join(directory, "restate.log"),
  clock: systemClock(),
  log: silentLogger(),
  signal: new AbortController().signal,
});
await Deno.stdout.write(new TextEncoder().encode(`${server.pid}\n`));
await server.ended;
