import { type Cluster, streamFault } from "./cluster.ts";

const LINE_CHARS_MAX = 8_000_000;

/**
 * The bytes of an answer as they arrive. Ends with the answer or rejects with the signal's reason; releases the
 * connection when it is left early.
 */
export async function* chunks(
  cluster: Cluster,
  response: Response,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  if (response.body === null) return;
  const reader = response.body.getReader();
  // Deno tells a body of an abort only while its response has not been collected as garbage: this is told directly.
  const cancel = (): void => void reader.cancel(signal.reason).catch(() => undefined);
  signal.addEventListener("abort", cancel, { once: true });
  try {
    while (true) {
      signal.throwIfAborted();
      const { done, value } = await reader.read();
      if (done) break;
      yield value;
    }
    signal.throwIfAborted();
  } catch (error) {
    throw streamFault(cluster, signal, error);
  } finally {
    signal.removeEventListener("abort", cancel);
    // The stream may have failed already; there is nothing more to release then.
    await reader.cancel().catch(() => undefined);
  }
}

/** The JSON values of a newline-separated answer, as they arrive. */
export async function* jsonLines(
  cluster: Cluster,
  response: Response,
  signal: AbortSignal,
): AsyncGenerator<unknown> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const chunk of chunks(cluster, response, signal)) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split("\n");
    rest = lines.pop() ?? "";
    if (rest.length > LINE_CHARS_MAX) {
      throw streamFault(cluster, signal, new Error(`a line of more than ${LINE_CHARS_MAX} characters`));
    }
    for (const line of lines) if (line.trim() !== "") yield parse(cluster, signal, line);
  }
  // What is left without a newline was cut off by an end in its middle.
}

function parse(cluster: Cluster, signal: AbortSignal, line: string): unknown {
  try {
    return JSON.parse(line);
  } catch (error) {
    throw streamFault(cluster, signal, error);
  }
}
