import assert from "node:assert/strict";
import { type HealthCheck, plainCheck } from "../../deployment/health_check.ts";
import type { ProbeTarget } from "./probe.ts";
import { CommandProber } from "./probe_command.ts";
import { type Answer, engineFault, type EngineRequest, FakeEngine } from "./testing_engine.ts";

const COMMAND: HealthCheck = { ...plainCheck(""), kind: "command", command: ["/check", "me"] };

/** The output of a command, as the engine sends it: a stream, a length, the text. */
function frame(text: string, stream = 1): Uint8Array<ArrayBuffer> {
  const body = new TextEncoder().encode(text);
  const bytes = new Uint8Array(8 + body.length);
  bytes[0] = stream;
  new DataView(bytes.buffer).setUint32(4, body.length);
  bytes.set(body, 8);
  return bytes;
}

/** A command that ended like this. */
function ended(exitCode: number, output: Uint8Array<ArrayBuffer> = new Uint8Array()): Answer {
  return ({ path }) => {
    if (path.endsWith("/exec")) return { Id: "e1" };
    if (path.endsWith("/start")) return new Response(output);
    return { ExitCode: exitCode, Running: false };
  };
}

/** Never answers, until it is aborted because it takes too long. */
function never({ signal }: EngineRequest): Promise<never> {
  return new Promise((_, reject) => {
    if (signal.aborted) return reject(signal.reason);
    signal.addEventListener("abort", () => reject(signal.reason), { once: true });
  });
}

/** An app that accepts connections, and a prober of it. */
function appOf(answer: Answer) {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr;
  const engine = new FakeEngine(answer);
  const prober = new CommandProber(engine);
  const target = (changes: Partial<HealthCheck> = {}, container = "c1"): ProbeTarget => ({
    key: "k",
    ip: "127.0.0.1",
    port,
    published: { host: "127.0.0.1", port },
    container,
    check: { ...COMMAND, ...changes },
  });
  const stop = new AbortController();
  const ask = (changes?: Partial<HealthCheck>, container?: string) =>
    prober.ask(target(changes, container), stop.signal);
  return { ask, engine, prober, stop, [Symbol.dispose]: () => listener.close() };
}

interface Case {
  readonly name: string;
  readonly answer: Answer;
  /** `undefined`: the app is healthy. */
  readonly detail: RegExp | undefined;
}

const CASES: readonly Case[] = [
  { name: "success, whatever it prints", answer: ended(0, frame("bad\n", 2)), detail: undefined },
  { name: "failure without a word", answer: ended(1), detail: /^exit code 1$/ },
  { name: "failure with blank lines only", answer: ended(1, frame("\n \n")), detail: /^exit code 1$/ },
  {
    name: "failure with the last line of its output",
    answer: ended(7, frame("trying\nno database  \n\n", 2)),
    detail: /^exit code 7: no database$/,
  },
  { name: "a long line is cut", answer: ended(1, frame("x".repeat(900))), detail: /^exit code 1: x{200}$/ },
  {
    name: "a program that is not there",
    answer: () => {
      throw engineFault("invalid_argument", 'exec: "/check": no such file');
    },
    detail: /^Docker: exec: "\/check": no such file$/,
  },
  {
    name: "a container that has just ended",
    answer: () => {
      throw engineFault("already_exists", `container is not running ${"x".repeat(500)}`);
    },
    detail: /^Docker: container is not running x{167}$/,
  },
];

Deno.test("CommandProber takes the exit code of the check's command for the answer", async (t) => {
  for (const { name, answer, detail } of CASES) {
    await t.step(name, async () => {
      using app = appOf(answer);
      const found = await app.ask();
      assert.equal(found.ok, detail === undefined);
      if (!found.ok) assert.match(found.detail, detail ?? /^never$/);
      const [request] = app.engine.requests;
      assert.deepEqual(request?.body, { Cmd: ["/check", "me"], AttachStdout: true, AttachStderr: true });
    });
  }
});

Deno.test("CommandProber runs no command while no app listens, and none for other checks", async () => {
  const app = appOf(ended(0));
  assert.deepEqual(await app.ask({ kind: "port" }), { ok: true });
  assert.deepEqual(app.engine.asked, []);
  app[Symbol.dispose]();
  assert.deepEqual(await app.ask(), { ok: false, detail: "connection refused" });
  assert.deepEqual(app.engine.asked, []);
});

/** Each question would leave one more process behind. */
Deno.test("CommandProber runs no second command beside one that did not end", async () => {
  let [isRunning, started] = [true, 0];
  using app = appOf((request) => {
    if (request.path.endsWith("/exec")) return { Id: `e${++started}` };
    if (request.path.endsWith("/start")) return isRunning ? never(request) : new Response();
    return { ExitCode: 0, Running: isRunning };
  });
  const late = { ok: false, detail: "it did not end within 0.02 s" };
  const limited = { timeoutMs: 20 };
  assert.deepEqual(await app.ask(limited), late);
  assert.deepEqual(await app.ask(limited), late);
  assert.equal(started, 1);
  assert.deepEqual(await app.ask(limited, "c2"), late, "another container is asked");
  assert.equal(started, 2);
  isRunning = false;
  assert.deepEqual(await app.ask(limited), { ok: true });
  assert.equal(started, 3);
  const before = app.engine.asked.length;
  assert.deepEqual(await app.ask(limited), { ok: true });
  const [first] = app.engine.asked.slice(before);
  assert.equal(first, "POST /containers/c1/exec", "nothing is left to ask about");
});

/** The container keeps its id when the engine is started again, and the engine knows no command of before. */
Deno.test("CommandProber runs the command again when the engine has forgotten the one before", async () => {
  let isNew = false;
  using app = appOf((request) => {
    if (request.path.endsWith("/exec")) return { Id: isNew ? "new" : "old" };
    if (request.path.endsWith("/start")) return isNew ? new Response() : never(request);
    if (request.path.includes("old")) throw engineFault("not_found", "No such exec instance: old");
    return { ExitCode: 0, Running: false };
  });
  assert.equal((await app.ask({ timeoutMs: 20 })).ok, false);
  isNew = true;
  assert.deepEqual(await app.ask(), { ok: true });
});

Deno.test("CommandProber forgets the command of a container that is gone", async () => {
  using app = appOf((request) => {
    if (request.path.endsWith("/exec")) return { Id: "e1" };
    return request.path.endsWith("/start") ? never(request) : { Running: true };
  });
  await app.ask({ timeoutMs: 20 });
  app.prober.forget("c1");
  const before = app.engine.asked.length;
  await app.ask({ timeoutMs: 20 });
  assert.deepEqual(app.engine.asked.slice(before), ["POST /containers/c1/exec", "POST /exec/e1/start"]);
});

Deno.test("CommandProber ends with its signal", async () => {
  using stopped = appOf((request) => {
    stopped.stop.abort(new Error("enough"));
    return never(request);
  });
  await assert.rejects(stopped.ask(), /enough/);
});
