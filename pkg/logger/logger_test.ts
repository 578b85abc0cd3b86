import assert from "node:assert/strict";
import { createLogger } from "./mod.ts";

const now = (): Date => new Date(0);

/** Lines as `write` got them, and what it throws at present. */
class Sink {
  readonly lines: string[] = [];
  problem: Error | undefined;

  readonly write = (line: string): void => {
    if (this.problem !== undefined) throw this.problem;
    this.lines.push(line);
  };
}

/** A line of a log once ended the process from within a socket's callback, because the disk was full. */
Deno.test("a logger does not throw, and says how many lines were lost as soon as it can write again", () => {
  const sink = new Sink();
  const log = createLogger({ service: "test", level: "info", write: sink.write, now });
  log.info("first");
  sink.problem = new Error("No space left on device (os error 28)");
  log.info("second");
  log.with({ a: 1 }).warn("third");
  log.debug("below the level");
  sink.problem = undefined;
  log.with({ a: 2 }).info("fourth");
  log.info("fifth");
  const head = '"time":"1970-01-01T00:00:00.000Z","level"';
  assert.deepEqual(sink.lines, [
    `{${head}:"info","service":"test","event":"first"}`,
    `{${head}:"warn","service":"test","event":"log lines lost","lines":2,"error":"Error: No space left on device (os error 28)"}`,
    `{${head}:"info","service":"test","event":"fourth","a":2}`,
    `{${head}:"info","service":"test","event":"fifth"}`,
  ]);
});

Deno.test("the line about lost lines can be lost itself, and none is counted twice", () => {
  let room = 0;
  const lines: string[] = [];
  const write = (line: string): void => {
    if (room-- <= 0) throw new Error("full");
    lines.push(line);
  };
  const log = createLogger({ service: "test", level: "info", write, now });
  log.info("lost");
  log.info("lost");
  room = 1;
  log.info("lost after the line about the two");
  room = 9;
  log.info("written");
  assert.deepEqual(lines.map((line) => JSON.parse(line)).map(({ event, lines }) => [event, lines]), [
    ["log lines lost", 2],
    ["log lines lost", 1],
    ["written", undefined],
  ]);
});

Deno.test("fields that JSON cannot hold are left out, and the line says so", () => {
  const sink = new Sink();
  const log = createLogger({ service: "test", level: "info", write: sink.write, now });
  const circular: Record<string, unknown> = {};
  circular["self"] = circular;
  log.with({ circular }).error("broken");
  assert.match(sink.lines.join(), /"event":"broken","fields":"cannot be written as JSON"/);
});
