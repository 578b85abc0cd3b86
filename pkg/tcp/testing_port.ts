/**
 * A listener that answers each connection with what it sends, in a process whose descriptors a test has limited. With
 * "leak" as its argument it keeps all descriptors to itself. Prints its port.
 */
// deno-lint-ignore-file no-console -- its port is its output
import { createLogger } from "../logger/mod.ts";
import { TcpListener } from "./mod.ts";

// As main.ts does: the runtime fails where it first needs a descriptor for signals and there is none.
Deno.addSignalListener("SIGTERM", () => Deno.exit(0));
const listener = await TcpListener.open({
  host: "127.0.0.1",
  port: 0,
  log: createLogger({ service: "test", level: "info", write: (line) => console.error(line) }),
  times: { probeEveryMs: 200, starvedMsMax: 1_000 },
  accepted: (socket) => {
    socket.on("error", () => undefined);
    socket.on("data", (bytes) => socket.write(bytes));
    socket.on("end", () => socket.end());
  },
});
console.log(listener.port);
const kept: Deno.FsFile[] = [];
try {
  while (Deno.args[0] === "leak") kept.push(Deno.openSync("/dev/null"));
} catch {
  // There are no more.
}
await listener.run(new AbortController().signal);
