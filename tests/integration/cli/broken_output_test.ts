/** Real pipes and files: the reader of a command's output decides nothing. */
import assert from "node:assert/strict";
import { eventually } from "../../../svc/ctrl/services/testing.ts";
import { CliBed } from "./bed.ts";

const DEPLOY = "unkey deploy --image nginx:1 --project shop --yes";
const ENDINGS = [
  { ending: { status: "ready" }, code: 0 },
  { ending: { status: "failed", failureCode: "build_failed" }, code: 12 },
] as const;

Deno.test("the exit code of a deploy is its deployment's, whatever happens to its output", async (t) => {
  await using bed = await CliBed.start();
  bed.lines = Array.from(
    { length: 2_000 },
    (_, at) => `line ${at} of a build that prints more than a pipe holds`,
  );
  // The reader of a pipe leaves after one line, or at once; its status must not hide that of the program.
  const scripts: Readonly<Record<string, string>> = {
    "a reader of both streams that leaves": `${DEPLOY} 2>&1 | head -1 >&2; exit "\${PIPESTATUS[0]}"`,
    "a reader of the JSON that leaves": `${DEPLOY} --json | true; exit "\${PIPESTATUS[0]}"`,
    "standard output that is closed": `${DEPLOY} --json >&-`,
    "standard output on a full device": `${DEPLOY} --json >/dev/full`,
    "all output on a full device": `${DEPLOY} --json >/dev/full 2>&1`,
  };
  for (const { ending, code } of ENDINGS) {
    for (const [name, script] of Object.entries(scripts)) {
      await t.step(`${ending.status}: ${name}`, async () => {
        bed.ending = ending;
        const result = await bed.script(script);
        assert.equal(result.code, code, result.stderr);
        assert.ok(result.stderr.split("left out").length <= 2, "one note at most");
      });
    }
  }
});

Deno.test("the JSON of a deploy is complete, whatever happens to standard error", async (t) => {
  await using bed = await CliBed.start();
  bed.lines = Array.from(
    { length: 2_000 },
    (_, at) => `line ${at} of a build that prints more than a pipe holds`,
  );
  const streams: Readonly<Record<string, string>> = {
    "a reader that leaves": "2> >(head -1 >/dev/null)",
    "closed": "2>&-",
    "on a full device": "2>/dev/full",
  };
  for (const { ending, code } of ENDINGS) {
    for (const [name, redirection] of Object.entries(streams)) {
      await t.step(`${ending.status}: standard error ${name}`, async () => {
        bed.ending = ending;
        const result = await bed.script(`${DEPLOY} --json ${redirection}`);
        assert.equal(result.code, code);
        const { status, exitCode } = JSON.parse(result.stdout);
        assert.deepEqual([status, exitCode], [ending.status, code]);
      });
    }
  }
});

/** `script` gives its command a terminal, which is gone when `script` is killed. */
Deno.test("a deploy survives the end of its terminal, and ends with its deployment's code", async () => {
  await using bed = await CliBed.start();
  const gate = Promise.withResolvers<void>();
  bed.mayEnd = gate.promise;
  bed.ending = { status: "failed", failureCode: "crash_loop" };
  const command = bed.program.concat("deploy --image nginx:1 --project shop --json");
  // The kernel tells the shell, and shells tell their jobs.
  const inTerminal =
    `trap 'kill -HUP $job' HUP; ${command} >json & job=$!; wait $job; wait $job; echo $? >code.new; mv code.new code`;
  const terminal = bed.command(`exec script --quiet --flush --command "$COMMAND" screen`, {
    env: { COMMAND: inTerminal },
  })
    .spawn();
  await eventually("the deployment is created", async () => /created d_/.test(await bed.read("screen")));
  terminal.kill("SIGKILL");
  await terminal.output();
  gate.resolve();
  await eventually("the program ends", async () => await bed.read("code") !== "");
  assert.equal((await bed.read("code")).trim(), "13");
  assert.equal(JSON.parse(await bed.read("json")).error.code, "crash_loop");
});

Deno.test("a question whose terminal goes away has no answer, and ends the command", async () => {
  await using bed = await CliBed.start();
  const COMMAND = `echo $$ >pid; exec ${bed.program} login`;
  const terminal = bed.command(`exec script --quiet --flush --command "$COMMAND" screen`, {
    env: { COMMAND, UNKEY_ROOT_KEY: "" },
  }).spawn();
  await eventually("the key is asked for", async () => (await bed.read("screen")).includes("\x1b[?25l"));
  terminal.kill("SIGKILL");
  await terminal.output();
  const pid = Number(await bed.read("pid"));
  assert.ok(pid > 0);
  const ended = (): Promise<boolean> => Deno.stat(`/proc/${pid}/stat`).then(() => false, () => true);
  try {
    await eventually("the program ends", ended);
  } finally {
    if (!await ended()) Deno.kill(pid, "SIGKILL");
  }
});

Deno.test("a command whose outcome is its output ends quietly when its reader leaves", async (t) => {
  await using bed = await CliBed.start();
  await bed.script(DEPLOY);
  const scripts: Readonly<Record<string, string>> = {
    "list": "unkey list",
    "list as JSON": "unkey list --json",
    "logs": "unkey logs shop",
    "logs that are followed": "unkey logs shop --follow",
    "help": "unkey deploy --help",
  };
  for (const [name, command] of Object.entries(scripts)) {
    await t.step(name, async () => {
      const result = await bed.script(`${command} | true; exit "\${PIPESTATUS[0]}"`);
      assert.deepEqual([result.code, result.stderr.replace(/^d_.*newest of shop\n/, "")], [0, ""]);
    });
  }
});

Deno.test("a command whose outcome is its output fails when that cannot be stored", async () => {
  await using bed = await CliBed.start();
  const full = await bed.script("unkey list --json >/dev/full");
  assert.equal(full.code, 1);
  assert.match(full.stderr, /^error: The output is not complete: .*No space left/);
});

Deno.test("a secret that could not be printed is a failure, also when its reader left", async () => {
  await using bed = await CliBed.start();
  for (
    const script of [
      "unkey keys create ci >/dev/full",
      `unkey keys create ci | true; exit "\${PIPESTATUS[0]}"`,
    ]
  ) {
    const { code, stderr } = await bed.script(script);
    assert.equal(code, 1, stderr);
    assert.match(stderr, /error: It was created, and its secret is lost/);
  }
});
