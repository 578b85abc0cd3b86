import assert from "node:assert/strict";
import { testProcess } from "../testkit/process.ts";
import { defineCommand, dispatch, type Group, type Outcome, UsageError } from "./mod.ts";

const GONE = new Deno.errors.BrokenPipe("Broken pipe");
const FULL = new Error("No space left on device");

/** One command that prints twice, and then ends as the test wants. */
function tree(
  outcome: Outcome | undefined,
  end: () => number,
  onSignal: () => void = () => undefined,
): Group {
  const command = defineCommand({
    fields: {},
    ...(outcome === undefined ? {} : { outcome }),
    run(_input, { stdout, stderr, signal }) {
      stdout("one\n");
      if (signal.aborted) onSignal();
      stdout("two\n");
      stderr("message\n");
      return Promise.resolve(end());
    },
  });
  return {
    summary: "A tree.",
    commands: { print: { summary: "Prints", load: () => Promise.resolve({ command }) } },
  };
}

async function print(root: Group, error: Error | undefined, args: readonly string[] = ["print"]) {
  let [writes, survived, isPrivate] = [0, false, false];
  await using process = await testProcess({ args });
  const code = await dispatch(root, {
    ...process,
    surviveHangup: () => survived = true,
    startedAtMs: 0,
    keepFilesPrivate: () => isPrivate = true,
    stdout: (text) => {
      writes++;
      if (error !== undefined) throw error;
      process.stdout(text);
    },
  });
  return { code, writes, survived, isPrivate, ...process.printed };
}

Deno.test("a failed write changes no exit code of a command with an outcome, and is noted once", async () => {
  for (const outcome of [undefined, "exit_code", "service"] as const) {
    for (const error of [GONE, FULL]) {
      const { code, writes, stderr } = await print(tree(outcome, () => 12), error);
      assert.deepEqual([code, writes], [12, 1]);
      assert.equal(
        stderr,
        `note output is left out: standard output cannot be written: ${error.message}\nmessage\n`,
      );
    }
  }
});

Deno.test("a command of output stops and ends quietly with 0 when its reader left", async () => {
  let stopped = false;
  const { code, stderr } = await print(tree("output", () => 130, () => stopped = true), GONE);
  assert.deepEqual([code, stderr, stopped], [0, "", true]);
});

Deno.test("a command of output fails with 1 when a write fails for another reason", async () => {
  for (
    const end of [() => 0, (): number => {
      throw new UsageError("Stopped.");
    }]
  ) {
    const { code, stderr } = await print(tree("output", end), FULL);
    assert.equal(code, 1);
    assert.match(
      stderr,
      /error: The output is not complete: standard output cannot be written: No space left/,
    );
  }
});

Deno.test("a secret that was not printed is a failure, unless the command failed itself", async () => {
  for (const error of [GONE, FULL]) {
    const lost = await print(tree("secret", () => 0), error);
    assert.equal(lost.code, 1);
    assert.match(lost.stderr, /its secret is lost.*create another one/);
    assert.equal((await print(tree("secret", () => 4), error)).code, 4);
  }
});

Deno.test("output that was written changes nothing, for every outcome", async () => {
  for (const outcome of ["exit_code", "output", "secret", "service"] as const) {
    const { code, stdout, stderr } = await print(tree(outcome, () => 7), undefined);
    assert.deepEqual([code, stdout, stderr], [7, "one\ntwo\n", "message\n"]);
  }
});

Deno.test("the end of the terminal ends only commands of output, and services", async () => {
  const survives = async (outcome: Outcome) => (await print(tree(outcome, () => 0), undefined)).survived;
  assert.deepEqual(
    await Promise.all((["exit_code", "secret", "output", "service"] as const).map(survives)),
    [true, true, false, false],
  );
});

Deno.test("the help of each command is output: its reader may leave", async () => {
  for (const args of [["print", "--help"], ["help", "print"], ["--help"], ["--version"]]) {
    const { code, stderr, writes } = await print(tree("exit_code", () => 12), GONE, args);
    assert.deepEqual([code, stderr], [0, ""], args.join(" "));
    assert.ok(writes > 0);
  }
});

/** A command of a person makes files as that person's shell does; a service keeps secrets and other people's data. */
Deno.test("a service makes files for its own user only, other commands do not", async () => {
  for (const outcome of ["service", "output", "exit_code", "secret"] as const) {
    const { isPrivate } = await print(tree(outcome, () => 0), undefined);
    assert.equal(isPrivate, outcome === "service", outcome);
  }
});
