import assert from "node:assert/strict";
import type { CommandTree, Group } from "../pkg/cli/mod.ts";
import { systemClock } from "../pkg/clock/mod.ts";
import { ROOT } from "./root.ts";
import { NOW, onlyJson, type RunOptions, unkey } from "./shared/testing.ts";

/** Every command that calls the control plane as a developer, with the words that it needs. */
const DEVELOPER: Readonly<Record<string, readonly string[]>> = {
  "deploy": ["--image", "nginx"],
  "attach": ["d_1"],
  "init": ["--create"],
  "status": [],
  "trace": ["d_1"],
  "metrics": ["d_1"],
  "logs": ["d_1"],
  "rollback": ["d_1", "--yes"],
  "promote": ["d_1", "--yes"],
  "cancel": ["d_1", "--yes"],
  "stop": ["d_1"],
  "start": ["d_1"],
  "list": [],
  "redeploy": ["d_1"],
  "scale": ["qa", "--memory", "512"],
  "protect": [],
  "share": ["qa"],
  "environments list": [],
  "environments create": ["qa"],
  "environments set": ["qa", "--port", "3000"],
  "environments delete": ["qa", "--yes"],
  "domains list": [],
  "domains add": ["shop.example.com"],
  "domains verify": ["shop.example.com"],
  "domains retry": ["shop.example.com"],
  "domains set": ["shop.example.com", "--serve"],
  "domains remove": ["shop.example.com", "--yes"],
  "crons pause": ["cleanup"],
  "crons resume": ["cleanup"],
  "variables list": [],
  "variables set": ["A=1"],
  "variables remove": ["A"],
  "registries list": [],
  "registries add": ["ghcr.io", "--username", "acme", "--password-stdin"],
  "registries remove": ["ghcr.io"],
  "keys list": [],
  "keys create": ["ci"],
  "keys revoke": ["key_1"],
  "audit": [],
  "limits": [],
  "openapi diff": ["d_1", "d_2"],
  "open": ["--print"],
  "dashboard": ["--print"],
  "sessions list": [],
  "sessions revoke": ["sess_1"],
};
const OPERATOR: Readonly<Record<string, readonly string[]>> = {
  "admin workspaces list": [],
  "admin workspaces create": ["acme"],
  "admin login-codes create": [],
  "admin limits list": ["acme"],
  "admin limits set": ["acme", "projects", "7"],
  "admin region-tokens list": [],
  "admin region-tokens create": ["eu-1"],
  "admin region-tokens revoke": ["rt_1"],
};
/** They run a service, call another server, or have tests of their own for it. */
const OTHERS = [
  "login",
  "run",
  "plan",
  "apply",
  "context explain",
  "config show",
  "config schema",
  "upgrade",
  "completions",
  "up",
  "preflight up",
  "preflight api",
  "preflight worker",
  "ctrl api",
  "ctrl worker",
  "ctrl rotate-keys",
  "ctrl migrate",
  "ctrl backup",
  "ctrl restore",
  "krane",
]
  .concat("frontline", "sentinel", "healthcheck", "version");

function leaves(group: Group, path = ""): string[] {
  return Object.entries(group.commands).flatMap(([name, node]: [string, CommandTree]) => {
    if ("hidden" in node && node.hidden) return [];
    return "commands" in node ? leaves(node, `${path}${name} `) : [`${path}${name}`];
  });
}

/** Retries do not wait. */
const clock = { ...systemClock(), now: () => NOW, sleep: () => Promise.resolve() };

async function run(name: string, words: readonly string[], options: RunOptions) {
  const args = [...name.split(" "), ...words];
  const plain = await unkey(args, { clock, stdin: "s3cret\n", ...options });
  const json = await unkey([...args, "--json"], { clock, stdin: "s3cret\n", ...options });
  assert.equal(json.code, plain.code, "--json does not change the exit code");
  const printed = onlyJson(json);
  assert.ok(typeof printed === "object" && printed !== null && "error" in printed && "exitCode" in printed);
  assert.equal(printed.exitCode, json.code);
  const { error } = printed;
  assert.ok(typeof error === "object" && error !== null && "code" in error && "message" in error);
  return { code: plain.code, stdout: plain.stdout, stderr: plain.stderr, error };
}

function calls(env: (name: string) => Record<string, string>) {
  const all: readonly (readonly [string, readonly string[]])[] = [
    ...Object.entries(DEVELOPER),
    ...Object.entries(OPERATOR),
  ];
  return all.map(([name, words]) => ({ name, words, env: env(name) }));
}

function access(url: string) {
  return (name: string): Record<string, string> => ({
    UNKEY_API_BASE_URL: url,
    [name in OPERATOR ? "UNKEY_AUTH_TOKEN" : "UNKEY_ROOT_KEY"]: "unkey_test",
  });
}

/** A new command must take part in these tests, or say why not. */
Deno.test("the lists of these tests name every command", () => {
  const named = [...Object.keys(DEVELOPER), ...Object.keys(OPERATOR), ...OTHERS];
  assert.deepEqual(named.toSorted(), leaves(ROOT).toSorted());
});

Deno.test("every command refuses an unknown flag with exit code 2, and names the flag", async (t) => {
  for (const name of leaves(ROOT)) {
    await t.step(name, async () => {
      const { code, stdout, stderr } = await unkey([...name.split(" "), "--no-such-flag"]);
      assert.deepEqual([code, stdout], [2, ""]);
      assert.match(stderr, /--no-such-flag/);
    });
  }
});

Deno.test("every command of a developer ends with 4 without a login, and says how to log in", async (t) => {
  for (const [name, words] of Object.entries(DEVELOPER)) {
    await t.step(name, async () => {
      const { code, stdout, stderr, error } = await run(name, words, {});
      assert.deepEqual([code, stdout, error.code], [4, "", "unauthenticated"]);
      assert.match(stderr, /You are not logged in\. Run "unkey login"/);
    });
  }
});

Deno.test("every command ends with 20 when the control plane does not answer, and names its URL", async (t) => {
  // The port was free a moment ago.
  const taken = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const url = `http://127.0.0.1:${taken.addr.port}`;
  taken.close();
  for (const { name, words, env } of calls(access(url))) {
    await t.step(name, async () => {
      const { code, stderr, error } = await run(name, words, { env });
      assert.deepEqual([code, error.code], [20, "unavailable"]);
      assert.match(stderr, new RegExp(`The control plane at ${url} does not answer`));
    });
  }
});

Deno.test("every command ends with 4 when the key lacks a permission, with the control plane's own text", async (t) => {
  const message = "The key lacks the permission project.*.deploy.";
  await using server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => undefined },
    () => Response.json({ code: "permission_denied", message }, { status: 403 }),
  );
  for (const { name, words, env } of calls(access(`http://127.0.0.1:${server.addr.port}`))) {
    await t.step(name, async () => {
      const { code, stdout, stderr, error } = await run(name, words, { env });
      assert.deepEqual([code, stdout, error.code, error.message], [4, "", "permission_denied", message]);
      assert.match(stderr, /error: The key lacks the permission/);
    });
  }
});
