/** Output and end of a helper. */
export interface HelperOutput {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
  /** One of the streams went on after 256 KiB, and was closed. */
  readonly cut: boolean;
}

/**
 * Runs `<program> get` with `input` on its standard input. Aborting kills it and rejects with the signal's reason.
 *
 * @throws `Deno.errors.NotFound` when there is no such program on the PATH
 */
export type RunHelper = (program: string, input: string, signal: AbortSignal) => Promise<HelperOutput>;

const OUTPUT_BYTES_MAX = 256 * 1024;

/** Runs helpers as processes, with these variables beside those of this process. */
export function helperProcess(env: Readonly<Record<string, string>>): RunHelper {
  return async (program, input, signal) => {
    signal.throwIfAborted();
    const child = new Deno.Command(program, {
      args: ["get"],
      env: { ...env },
      stdin: "piped",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    const kill = (): void => {
      try {
        child.kill("SIGKILL");
      } catch {
        // It has ended already.
      }
    };
    signal.addEventListener("abort", kill, { once: true });
    try {
      const [, stdout, stderr, { code }] = await Promise.all([
        write(child.stdin, input),
        read(child.stdout, signal),
        read(child.stderr, signal),
        child.status,
      ]);
      signal.throwIfAborted();
      return { code, stdout: stdout.text, stderr: stderr.text, cut: stdout.cut || stderr.cut };
    } finally {
      signal.removeEventListener("abort", kill);
    }
  };
}

async function write(stdin: WritableStream<Uint8Array>, text: string): Promise<void> {
  const writer = stdin.getWriter();
  try {
    await writer.write(new TextEncoder().encode(text));
    await writer.close();
  } catch {
    // A helper may end without reading; its exit code says more. The pipe must be closed all the same.
    await writer.abort().catch(() => undefined);
  }
}

interface Beginning {
  readonly text: string;
  readonly cut: boolean;
}

/** The beginning of a stream. Ends at once when aborted: a program that the helper started may hold the pipe open. */
async function read(stream: ReadableStream<Uint8Array>, signal: AbortSignal): Promise<Beginning> {
  const reader = stream.getReader();
  const cancel = (): void => void reader.cancel().catch(() => undefined);
  signal.addEventListener("abort", cancel, { once: true });
  if (signal.aborted) cancel();
  const decoder = new TextDecoder();
  let [text, bytes] = ["", 0];
  try {
    while (bytes <= OUTPUT_BYTES_MAX) {
      const { value, done } = await reader.read();
      if (done) break;
      bytes += value.length;
      text += decoder.decode(value, { stream: true });
    }
  } finally {
    signal.removeEventListener("abort", cancel);
    await reader.cancel().catch(() => undefined);
  }
  return { text, cut: bytes > OUTPUT_BYTES_MAX };
}
