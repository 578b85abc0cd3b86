import assert from "node:assert/strict";

/** A step of a scenario that runs as a program of its own: a line of JSON on its output. */
export interface StepLine {
  readonly name: string;
  readonly note?: string;
  readonly error?: string;
}

/** Runs a scenario in a network that nothing else is in, as root; each of its steps becomes one of the test. */
export async function runScenario(t: Deno.TestContext, script: string): Promise<void> {
  const child = new Deno.Command("unshare", {
    args: ["--net", Deno.execPath(), "run", "-A", "--quiet", script],
    stdin: "null",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  for await (const { name, note = "", error } of stepLines(child.stdout)) {
    await t.step(note === "" ? name : `${name} (${note.split("\n")[0]})`, () => {
      if (error !== undefined) assert.fail(error);
    });
  }
  assert.equal((await child.status).code, 0);
}

/** The steps as they end; other lines are left out. */
async function* stepLines(stream: ReadableStream<Uint8Array<ArrayBuffer>>): AsyncGenerator<StepLine> {
  let rest = "";
  for await (const chunk of stream.pipeThrough(new TextDecoderStream())) {
    const lines = `${rest}${chunk}`.split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) if (line.startsWith("{")) yield JSON.parse(line);
  }
}
