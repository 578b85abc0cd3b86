/** A step of a scenario that runs as a program of its own: a line of JSON on its output. */
export interface StepLine {
  readonly name: string;
  readonly note?: string;
  readonly error?: string;
}

/** The steps as they end; other lines are left out. */
export async function* stepLines(stream: ReadableStream<Uint8Array>): AsyncGenerator<StepLine> {
  let rest = "";
  for await (const chunk of stream.pipeThrough(new TextDecoderStream())) {
    const lines = `${rest}${chunk}`.split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) if (line.startsWith("{")) yield JSON.parse(line);
  }
}
