import assert from "node:assert/strict";
import { isFault } from "../fault/mod.ts";
import { BASE_IMAGE, engineAnswers, ensureBaseImage } from "../testkit/base_image.ts";
import {
  createContainer,
  type Engine,
  isExecRunning,
  openEngine,
  removeContainer,
  startContainer,
  startExec,
} from "./mod.ts";

const ignore = !await engineAnswers();
const limit = (): AbortSignal => AbortSignal.timeout(180_000);
const OUTPUT_CHARACTERS_MAX = 4_096;

/** Runs `test` beside a container that does nothing. */
async function inContainer(
  test: (engine: Engine, id: string, run: typeof runIn) => Promise<void>,
): Promise<void> {
  const engine = openEngine();
  const name = `unkey-test-exec-${crypto.randomUUID()}`;
  try {
    await ensureBaseImage(engine, limit());
    const id = await createContainer(engine, {
      name,
      image: BASE_IMAGE,
      command: ["sleep", "600"],
      env: { GREETING: "hello" },
      labels: { "unkey.test": name },
      limits: { cpuMillicores: 500, memoryBytes: 32 * 1024 * 1024, pidsMax: 20 },
      publish: [],
      network: "none",
      restart: "no",
      output: { fileBytesMax: 1_000_000, filesMax: 1 },
      capabilitiesDropped: [],
      init: true,
    }, limit());
    await test(engine, id, runIn);
  } finally {
    await removeContainer(engine, name, limit());
    engine.close();
  }
}

async function runIn(engine: Engine, id: string, command: readonly string[], timeoutMs = 60_000) {
  const exec = await startExec(engine, id, command, { signal: limit(), timeoutMs });
  return { id: exec.id, ...await exec.result };
}

interface Case {
  readonly name: string;
  readonly script: string;
  readonly exitCode: number;
  readonly output: RegExp;
}

const CASES: readonly Case[] = [
  { name: "nothing to say", script: "true", exitCode: 0, output: /^$/ },
  { name: "the environment of the container", script: "echo $GREETING", exitCode: 0, output: /^hello$/ },
  {
    name: "a code of its own, and words for errors",
    script: "echo no >&2; exit 3",
    exitCode: 3,
    output: /^no$/,
  },
  { name: "a last line without its end", script: "echo a; printf b", exitCode: 0, output: /^a\nb$/ },
  { name: "a signal", script: "kill -9 $$", exitCode: 137, output: /^$/ },
  {
    name: "more lines than are kept",
    script: "for i in $(seq 1 100); do echo line $i; done; exit 1",
    exitCode: 1,
    output: /^line 81\n(line \d\d\n)*line 100$/,
  },
];

Deno.test({ name: "startExec() runs a command and tells how it ended", ignore }, async (t) => {
  await inContainer(async (engine, id, run) => {
    const options = { signal: limit(), timeoutMs: 1_000 };
    const isConflict = (error: unknown): boolean => isFault(error, "already_exists");
    await assert.rejects(startExec(engine, id, ["true"], options), isConflict, "it does not run yet");
    const isMissing = (error: unknown): boolean => isFault(error, "not_found");
    await assert.rejects(startExec(engine, `${id}0`, ["true"], options), isMissing);
    await startContainer(engine, id, limit());
    for (const { name, script, exitCode, output } of CASES) {
      await t.step(name, async () => {
        const ended = await run(engine, id, ["sh", "-c", script]);
        assert.equal(ended.exitCode, exitCode);
        assert.match(ended.output, output);
        assert.equal(await isExecRunning(engine, ended.id, limit()), false);
      });
    }
    await t.step("a program that the image does not have", async () => {
      // Engines differ: some refuse it, some say so in its output.
      const ended = await run(engine, id, ["/no-such-program"]).catch((error) => error);
      if (ended instanceof Error) assert.ok(isFault(ended), String(ended));
      else assert.match(`${ended.exitCode}`, /^12[67]$/);
    });
  });
});

/** A check may print without end: what is kept of it has a bound, also when it is late. */
Deno.test(
  { name: "startExec() keeps the end of a long output, and leaves a late command alone", ignore },
  async () => {
    await inContainer(async (engine, id, run) => {
      await startContainer(engine, id, limit());
      const long = 'for i in $(seq 1 9); do head -c 4000 /dev/zero | tr "\\0" x; echo; done; echo end';
      const ended = await run(engine, id, ["sh", "-c", long]);
      assert.deepEqual([ended.exitCode, ended.output.length], [0, OUTPUT_CHARACTERS_MAX]);
      assert.match(ended.output, /x\nend$/);
      const late = await run(
        engine,
        id,
        ["sh", "-c", `${long}; while [ ! -e /tmp/go ]; do sleep 0.1; done`],
        1_000,
      );
      assert.equal(late.exitCode, undefined);
      assert.ok(late.output.length <= OUTPUT_CHARACTERS_MAX, `${late.output.length}`);
      assert.equal(await isExecRunning(engine, late.id, limit()), true, "it goes on");
      await run(engine, id, ["touch", "/tmp/go"]);
      const deadline = performance.now() + 60_000;
      while (await isExecRunning(engine, late.id, limit())) {
        assert.ok(performance.now() < deadline, "it ends by itself");
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
    });
  },
);

Deno.test({ name: "startExec() ends with its signal, by the signal's reason", ignore }, async () => {
  await inContainer(async (engine, id) => {
    await startContainer(engine, id, limit());
    const stop = new AbortController();
    const options = { signal: stop.signal, timeoutMs: 60_000 };
    const { result } = await startExec(engine, id, ["sleep", "600"], options);
    const ended = assert.rejects(result, /enough/);
    stop.abort(new Error("enough"));
    await ended;
  });
});

/** An engine that was started again knows no command of before; the container of it has the same id. */
Deno.test(
  { name: "isExecRunning() is false for a command that the engine has forgotten", ignore },
  async () => {
    const engine = openEngine();
    try {
      assert.equal(await isExecRunning(engine, "0".repeat(64), limit()), false);
    } finally {
      engine.close();
    }
  },
);
