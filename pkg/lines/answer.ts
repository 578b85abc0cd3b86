export interface Reading {
  readonly signal: AbortSignal;
  /** The error in place of the transport's, and for an answer that cannot be parsed. */
  readonly fault: (error: unknown) => unknown;
}

const LINE_CHARS_MAX = 8_000_000;

/**
 * The bytes of an answer as they arrive. Ends with the answer or rejects with the signal's reason; releases the
 * connection when it is left early.
 */
export async function* chunks(response: Response, { signal, fault }: Reading): AsyncGenerator<Uint8Array> {
  if (response.body === null) return;
  const reader = response.body.getReader();
  // Deno aborts a body only while its response has not been collected as garbage: the reader is cancelled directly.
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
    throw fault(error);
  } finally {
    signal.removeEventListener("abort", cancel);
    // The stream may have failed already; there is nothing more to release then.
    await reader.cancel().catch(() => undefined);
  }
}

/** The JSON values of a newline-separated answer, as they arrive. `rest`: whether the last one may lack its newline. */
export async function* jsonLines(
  response: Response,
  reading: Reading & { readonly rest: "a value" | "cut off" },
): AsyncGenerator<unknown> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const chunk of chunks(response, reading)) {
    // Only what is new is searched: the rest has no newline, and searching it with each few bytes takes quadratic time.
    const [first = "", ...more] = decoder.decode(chunk, { stream: true }).split("\n");
    const lines = [rest + first, ...more];
    rest = lines.pop() ?? "";
    if (rest.length > LINE_CHARS_MAX) {
      throw reading.fault(new Error(`a line of more than ${LINE_CHARS_MAX} characters`));
    }
    for (const line of lines) if (line.trim() !== "") yield parse(line, reading);
  }
  if (reading.rest === "a value" && rest.trim() !== "") yield parse(rest, reading);
}

function parse(line: string, { fault }: Reading): unknown {
  try {
    return JSON.parse(line);
  } catch (error) {
    throw fault(error);
  }
}
