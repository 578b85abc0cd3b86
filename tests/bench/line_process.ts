/** A script as a process of its own that prints lines of JSON, and ends when its standard input closes. */
import { killChild } from "../../pkg/testkit/commands.ts";
import { V8_FLAGS } from "../../dev/v8_flags.ts";

export class LineProcess {
  readonly #child: Deno.ChildProcess;
  readonly #lines: AsyncIterator<string>;

  constructor(script: string, options: unknown, flags: readonly string[] = [`--v8-flags=${V8_FLAGS}`]) {
    this.#child = new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", "--quiet", "--no-check", ...flags, script, JSON.stringify(options)],
      stdin: "piped",
      stdout: "piped",
    }).spawn();
    this.#lines = linesOf(this.#child.stdout)[Symbol.asyncIterator]();
  }

  get pid(): number {
    return this.#child.pid;
  }

  /** The next line that it prints. */
  async line<T>(): Promise<T> {
    const { value, done } = await this.#lines.next();
    if (done === true) throw new Error("the process ended early");
    return JSON.parse(value);
  }

  /** Closes its standard input and answers the line that it prints at its end. */
  async stop<T>(): Promise<T> {
    await this.#child.stdin.close();
    const result = await this.line<T>();
    await this.#child.status;
    return result;
  }

  async kill(): Promise<void> {
    await killChild(this.#child);
  }
}

async function* linesOf(stream: ReadableStream<Uint8Array<ArrayBuffer>>): AsyncGenerator<string> {
  let rest = "";
  for await (const part of stream.pipeThrough(new TextDecoderStream())) {
    const lines = (rest + part).split("\n");
    rest = lines.pop() ?? "";
    yield* lines;
  }
}
