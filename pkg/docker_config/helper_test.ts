import assert from "node:assert/strict";
import { join } from "node:path";
import { auth, machine } from "./testing.ts";

const ANSWER = `printf '{"ServerURL":"x","Username":"of %s","Secret":"s3cret"}' "$(cat)"`;

Deno.test("a helper is asked for the registry that Docker's file would have", async (t) => {
  await using user = await machine();
  await user.helper("store", `test "$1" = get || exit 9; ${ANSWER}`);
  await user.helper("other", `printf '{"Username":"<token>","Secret":"refresh"}'`);
  await user.helper("none", `echo "credentials not found in native keychain"; exit 1`);
  await user.helper("empty", `printf '{"ServerURL":"","Username":"","Secret":""}'`);
  await user.config({
    auths: { "ghcr.io": auth("in the file", "1"), "file.example.com": auth("in the file", "1") },
    credsStore: "store",
    credHelpers: {
      "other.example.com": "other",
      "https://none.example.com": "none",
      "empty.example.com": "empty",
      "file.example.com": "",
    },
  });
  const cases: readonly (readonly [host: string, expected: readonly [string, string] | undefined])[] = [
    ["docker.io", ["of https://index.docker.io/v1/", "s3cret"]],
    ["registry-1.docker.io", ["of https://index.docker.io/v1/", "s3cret"]],
    ["ghcr.io", ["of ghcr.io", "s3cret"]],
    ["localhost:5000", ["of localhost:5000", "s3cret"]],
    ["other.example.com", ["<token>", "refresh"]],
    ["none.example.com", undefined],
    ["empty.example.com", undefined],
    ["file.example.com", ["in the file", "1"]],
  ];
  for (const [host, expected] of cases) {
    await t.step(host, async () => assert.deepEqual(await user.ask(host), expected));
  }
  assert.deepEqual(user.lines, []);
});

Deno.test("a broken helper gives no credentials and one line with its name and reason, without a secret", async (t) => {
  const cases: readonly (readonly [name: string, script: string | undefined, reason: RegExp])[] = [
    ["missing", undefined, /not on the PATH/],
    ["fails on stdout", "echo 'the keychain is locked'; exit 1", /^exit code 1: the keychain is locked$/],
    [
      "fails on stderr",
      "printf 'ERROR: not logged in\\nmore\\n' >&2; exit 3",
      /^exit code 3: ERROR: not logged in$/,
    ],
    ["fails with an answer", `${ANSWER}; exit 4`, /^exit code 4$/],
    ["fails silently", "exit 5", /^exit code 5$/],
    ["is killed", "kill -9 $$", /^exit code 137$/],
    ["answers nothing", "true", /not what a credential helper prints/],
    ["answers text", "echo s3cret", /not what a credential helper prints/],
    ["answers something else", `echo '{"Secret":"s3cret"}'`, /not what a credential helper prints/],
    ["never stops printing", "yes s3cret", /^it printed more than 256 KiB$/],
    ["prints control characters", `printf 'a\\033[31mb'; exit 1`, /^exit code 1: a\[31mb$/],
  ];
  for (const [name, script, reason] of cases) {
    await t.step(name, async () => {
      await using user = await machine({ helperMsMax: 120_000 });
      if (script !== undefined) await user.helper("broken", script);
      await user.config({ credsStore: "broken" });
      for (let asked = 0; asked < 3; asked++) assert.equal(await user.ask("ghcr.io"), undefined);
      assert.equal(user.lines.length, 1, user.lines.join("\n"));
      const { level, helper, server, reason: logged } = JSON.parse(user.lines[0] ?? "");
      assert.deepEqual([level, helper, server], ["warn", "docker-credential-broken", "ghcr.io"]);
      assert.match(logged, reason);
      assert.doesNotMatch(user.lines.join(), /s3cret/);
    });
  }
});

Deno.test("a helper is never a path", async () => {
  await using user = await machine();
  await Deno.mkdir(join(user.home, "docker-credential-x"));
  await user.config({ credsStore: "x/../evil" });
  assert.equal(await user.ask("ghcr.io"), undefined);
  assert.match(user.lines.join(), /must be named without a path/);
});

/** A helper that waits for a locked keychain must not hold a build, nor must a program that it has started. */
Deno.test("a helper that does not answer is ended with its time, and with the signal", async (t) => {
  const waits = `sleep 600 & echo "$$ $!" > "$HOME/pids.new"; mv "$HOME/pids.new" "$HOME/pids"; wait`;
  await t.step("its time", async () => {
    await using user = await machine({ helperMsMax: 300 });
    await user.helper("slow", "exec sleep 600");
    await user.config({ credsStore: "slow" });
    assert.equal(await user.ask("ghcr.io"), undefined);
    assert.match(user.lines.join(), /"helper":"docker-credential-slow".*"it did not answer within 0\.3 s"/);
  });
  await t.step("the signal", async () => {
    await using user = await machine({ helperMsMax: 600_000 });
    await user.helper("slow", waits);
    await user.config({ credsStore: "slow" });
    const asked = user.ask("ghcr.io").then(() => "answered", (error: unknown) => error);
    await eventually(() => Deno.readTextFile(join(user.home, "pids")));
    const reason = new Error("unkey up stops");
    user.abort.abort(reason);
    assert.equal(await asked, reason);
    await assertEnded(user.home);
    await assert.rejects(user.ask("ghcr.io"), reason);
    assert.deepEqual(user.lines, []);
  });
});

async function assertEnded(home: string): Promise<void> {
  const text = await eventually(() => Deno.readTextFile(join(home, "pids")));
  const [helper = "", started = ""] = text.trim().split(" ");
  assert.equal(await kill("-0", helper), false, "the helper runs");
  assert.equal(await kill("-9", started), true, "what the helper has started goes on by itself");
}

async function kill(signal: string, pid: string): Promise<boolean> {
  return (await new Deno.Command("kill", { args: [signal, pid], stderr: "null" }).output()).success;
}

async function eventually(read: () => Promise<string>): Promise<string> {
  for (const deadline = Date.now() + 120_000; Date.now() < deadline;) {
    const text = await read().catch(() => undefined);
    if (text !== undefined) return text;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  return assert.fail("the helper did not start");
}
