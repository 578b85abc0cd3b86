import { type Engine, streamFault } from "./engine.ts";

const LINE_CHARS_MAX = 8_000_000;

/** The JSON objects of a newline-separated answer, as they arrive. Ends with the answer; cancels it when left early. */
export async function* jsonLines(
  engine: Engine,
  response: Response,
  signal: AbortSignal,
): AsyncGenerator<unknown> {
  if (response.body === null) return;
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  try {
    while (true) {
      const { done, value } = await reader.read();
      const lines = (rest + (value ?? "")).split("\n");
      rest = done ? "" : lines.pop() ?? "";
      if (rest.length > LINE_CHARS_MAX) throw new Error(`a line of more than ${LINE_CHARS_MAX} characters`);
      for (const line of lines) if (line.trim() !== "") yield JSON.parse(line);
      if (done) return;
    }
  } catch (error) {
    throw streamFault(engine, signal, error);
  } finally {
    // The stream may have failed already; there is nothing more to release then.
    await reader.cancel().catch(() => undefined);
  }
}
