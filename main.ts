/** Argv in, exit code out: the only file that touches the process. */
import { ROOT } from "./cmd/root.ts";
import {
  baseDirectories,
  dispatch,
  EXIT,
  type Process,
  stopSignals,
  terminalPrompts,
  withThisMachine,
} from "./pkg/cli/mod.ts";
import { systemClock } from "./pkg/clock/mod.ts";

const STDIN_BYTES_MAX = 1 << 20;
const COLUMNS = 80;
const FULL_PIPE_MS = 5;
const FULL_PIPE = new Int32Array(new SharedArrayBuffer(4));
const OWNER_ONLY = 0o077;
/** A release puts it beside the file that the program starts with. */
const BUILD_INFO = "build_info.json";

const [stop, hangup] = [new AbortController(), new AbortController()];
for (const name of stopSignals(Deno.build.os)) {
  Deno.addSignalListener(name, () => {
    if (stop.signal.aborted) Deno.exit(EXIT.interrupted);
    stop.abort(new DOMException(`Got ${name}`, "AbortError"));
  });
}

const env = (name: string): string | undefined => Deno.env.get(name);
const isSet = (name: string): boolean => (env(name) ?? "") !== "";
// Before the first request, which reads it.
Deno.env.set("NO_PROXY", withThisMachine(env("NO_PROXY") ?? env("no_proxy") ?? ""));

const stderrTerminal = Deno.stderr.isTerminal();
const capable = stderrTerminal && env("TERM") !== "dumb";

const process: Process = {
  args: Deno.args,
  env,
  stdout: (text) => write(Deno.stdout, text),
  stderr: printError,
  log: (line) => write(Deno.stderr, `${line}\n`),
  readStdin,
  terminal: {
    stdin: Deno.stdin.isTerminal(),
    stdout: Deno.stdout.isTerminal(),
    stderr: stderrTerminal,
    colour: capable && !isSet("NO_COLOR"),
    live: capable && !isSet("CI"),
    columns,
  },
  prompts: Deno.stdin.isTerminal() && stderrTerminal && !isSet("CI")
    ? terminalPrompts(hangup.signal)
    : undefined,
  surviveHangup: () => Deno.addSignalListener("SIGHUP", () => hangup.abort()),
  // Windows has no such mask; the folders of a user are for that user only there.
  keepFilesPrivate: () => void (Deno.build.os === "windows" || Deno.umask(OWNER_ONLY)),
  signal: stop.signal,
  startedAtMs: performance.timeOrigin,
  clock: systemClock(),
  fetch,
  cwd: Deno.cwd(),
  directories: baseDirectories(env, Deno.build.os),
  executable: Deno.execPath(),
  buildInfo: () => Deno.readTextFile(new URL(BUILD_INFO, Deno.mainModule)).catch(() => undefined),
};

Deno.exit(await dispatch(ROOT, process));

/** Messages must not decide how a command ends: the exit code says it even where they cannot be written. */
function printError(text: string): void {
  try {
    write(Deno.stderr, text);
  } catch {
    // A full disk, or a reader that went away.
  }
}

function write(to: typeof Deno.stdout, text: string): void {
  let bytes = new TextEncoder().encode(text);
  while (bytes.length > 0) {
    try {
      bytes = bytes.subarray(to.writeSync(bytes));
    } catch (error) {
      // A full pipe that another process has set to not block, as Node.js does with pipes of its children.
      if (!(error instanceof Deno.errors.WouldBlock)) throw error;
      Atomics.wait(FULL_PIPE, 0, 0, FULL_PIPE_MS);
    }
  }
}

async function readStdin(): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  for await (const chunk of Deno.stdin.readable) {
    text += decoder.decode(chunk, { stream: true });
    if (text.length > STDIN_BYTES_MAX) break;
  }
  return text;
}

function columns(): number {
  try {
    const { columns } = Deno.consoleSize();
    return columns > 0 ? columns : COLUMNS;
  } catch {
    // Neither stream is a terminal, so there is no width to ask for.
    return COLUMNS;
  }
}
