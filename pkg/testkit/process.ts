import { systemClock } from "../clock/mod.ts";
import type { Process, Prompts, Terminal } from "../cli/mod.ts";

/** The choices of a test; the rest is a process without a terminal in an empty folder. */
export interface TestProcessOptions {
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly stdin?: string;
  readonly terminal?: Partial<Terminal>;
  readonly prompts?: Prompts;
  readonly signal?: AbortSignal;
  readonly executable?: string;
  readonly buildInfo?: string;
}

/** A process that keeps what is printed. Disposing of it removes its folders. */
export interface TestProcess extends Process, AsyncDisposable {
  readonly printed: { stdout: string; stderr: string };
}

const NO_TERMINAL: Terminal = {
  stdin: false,
  stdout: false,
  stderr: false,
  colour: false,
  live: false,
  columns: () => 100,
};

/** A process of a test: nothing of the real one shows through. */
export async function testProcess(options: TestProcessOptions): Promise<TestProcess> {
  const base = await Deno.realPath(await Deno.makeTempDir({ prefix: "unkey-cli-" }));
  const cwd = `${base}/work`;
  await Deno.mkdir(cwd);
  const printed = { stdout: "", stderr: "" };
  return {
    args: options.args,
    env: (name) => options.env?.[name],
    stdout: (text) => void (printed.stdout += text),
    stderr: (text) => void (printed.stderr += text),
    log: (line) => void (printed.stderr += `${line}\n`),
    readStdin: () => Promise.resolve(options.stdin ?? ""),
    terminal: { ...NO_TERMINAL, ...options.terminal },
    prompts: options.prompts,
    surviveHangup: () => undefined,
    startedAtMs: 0,
    keepFilesPrivate: () => undefined,
    signal: options.signal ?? new AbortController().signal,
    clock: systemClock(),
    fetch,
    cwd,
    directories: {
      config: `${base}/config`,
      cache: `${base}/cache`,
      data: `${base}/data`,
      temporary: `${base}/tmp`,
    },
    executable: options.executable ?? Deno.execPath(),
    buildInfo: () => Promise.resolve(options.buildInfo),
    printed,
    [Symbol.asyncDispose]: () => Deno.remove(base, { recursive: true }),
  };
}
