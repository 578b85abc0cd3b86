import assert from "node:assert/strict";
import { join } from "node:path";
import { Secret } from "../../pkg/secret/mod.ts";
import { writeCredentials } from "../shared/credentials.ts";
import { type RunOptions, temporaryFolder, unkey } from "../shared/testing.ts";

const PROJECT_FILE = `{
  // where it goes
  "project": "shop",
  "context": "../..",
  "build": {
    "args": { "A": "file", "B": 2 },
    "secrets": { "token": { "env": "NPM_TOKEN" } },
    "noCache": true
  }
}
`;

interface Shown {
  readonly file: string | null;
  readonly settings: readonly {
    readonly flag: string | null;
    readonly variable: string;
    readonly values: readonly { readonly value: string; readonly origin: unknown }[];
  }[];
}

async function inApp(test: (folder: string) => Promise<void>, file = PROJECT_FILE): Promise<void> {
  await using root = await temporaryFolder();
  const app = join(root.path, "apps/api");
  await Deno.mkdir(join(app, "src"), { recursive: true });
  await Deno.mkdir(join(root.path, ".git"));
  await Deno.writeTextFile(join(app, "unkey.json"), file);
  await test(app);
}

async function show(args: readonly string[], options: RunOptions): Promise<Map<string, string>> {
  const { code, stdout, stderr } = await unkey(["config", "show", ...args], options);
  assert.equal(code, 0, stderr);
  const lines = stdout.trim().split("\n").slice(1).map((line) => line.split(/ {2,}/));
  return new Map(lines.map(([name = "", ...rest]) => [name, rest.join(" | ")]));
}

Deno.test("config show names the place of every value: flag, variable, line of unkey.json, default", async () => {
  await inApp(async (cwd) => {
    const shown = await show(["--build-arg", "A=flag", "--pull", "--env", "qa"], {
      cwd: join(cwd, "src"),
      env: {
        UNKEY_ENVIRONMENT: "no",
        UNKEY_APP_PORT: "3000",
        UNKEY_BUILD_ARGS: "C=variable",
        UNKEY_DETACH: "1",
      },
    });
    const expected = {
      "--project": "shop | ../unkey.json:3",
      "--env": "qa | flag",
      "--context": `${join(cwd, "../..")} | ../unkey.json:4`,
      "--port": "3000 | variable UNKEY_APP_PORT",
      "--no-cache": "true | ../unkey.json:8",
      "--pull": "true | flag",
      "--secret": 'id=token,"env=NPM_TOKEN" | ../unkey.json:7',
      "--timeout": "30m | default",
      "--wait": "none | variable UNKEY_DETACH",
      "--target": "- | not set",
      "--api-base-url": "http://127.0.0.1:7091 | default",
      "UNKEY_ROOT_KEY": "- | not set",
    };
    assert.deepEqual(
      Object.fromEntries(Object.keys(expected).map((name) => [name, shown.get(name)])),
      expected,
    );
  });
});

Deno.test("config show lists the values of a repeated setting, without those that others replace", async () => {
  await inApp(async (cwd) => {
    const args = ["config", "show", "--json", "--build-arg", "A=flag"];
    const result = await unkey(args, { cwd, env: { UNKEY_BUILD_ARGS: "C=variable" } });
    const { file, settings }: Shown = JSON.parse(result.stdout);
    const path = join(cwd, "unkey.json");
    assert.equal(file, path);
    assert.deepEqual(settings.find(({ flag }) => flag === "build-arg")?.values, [
      { value: "B=2", origin: { kind: "file", path, line: 6 } },
      { value: "C=variable", origin: { kind: "variable", name: "UNKEY_BUILD_ARGS" } },
      { value: "A=flag", origin: { kind: "flag" } },
    ]);
    assert.equal(settings.some(({ flag }) => flag === "json"), false);
  });
});

Deno.test("config show masks secrets, whatever they come from", async () => {
  await using folder = await temporaryFolder();
  const configDirectory = join(folder.path, "config");
  const login = {
    apiBaseUrl: "http://user:hunter2@login.test",
    rootKey: new Secret("hunter2"),
    workspaceSlug: "w",
  };
  await writeCredentials(configDirectory, login);
  const secretFile = join(folder.path, "key");
  await Deno.writeTextFile(secretFile, "hunter2");
  const cases: readonly (readonly [env: Readonly<Record<string, string>>, from: string])[] = [
    [{}, "login of profile default"],
    [{ UNKEY_ROOT_KEY: "hunter2" }, "variable UNKEY_ROOT_KEY"],
  ];
  for (const [env, from] of cases) {
    const shown = await show([], { env, configDirectory, cwd: folder.path });
    assert.equal(shown.get("UNKEY_ROOT_KEY"), `******** | ${from}`);
    assert.equal(shown.get("--api-base-url"), "http://user:********@login.test | login of profile default");
    assert.doesNotMatch([...shown.values()].join(), /hunter2/);
  }
  const url = "https://a:hunter2@b.test/x?y=z@w";
  const { stdout } = await unkey(["config", "show", "--json"], {
    env: { UNKEY_API_BASE_URL: url, UNKEY_ROOT_KEY: "hunter2" },
    cwd: folder.path,
  });
  assert.match(stdout, /https:\/\/a:\*{8}@b\.test\/x\?y=z@w/);
  assert.doesNotMatch(stdout, /hunter2/);
});

Deno.test("config show shows the folder that a deploy would build", async () => {
  await inApp(async (cwd) => {
    assert.equal((await show([], { cwd })).get("--context"), `${cwd} | folder`);
    assert.equal((await show(["src"], { cwd })).get("--context"), `${join(cwd, "src")} | folder`);
    assert.equal((await show(["--context", "src"], { cwd })).get("--context"), `${join(cwd, "src")} | flag`);
  }, "{}");
});

Deno.test("config show refuses what a deploy refuses, all of it at once", async () => {
  await inApp(async (cwd) => {
    const { code, stdout, stderr } = await unkey(["config", "show"], { cwd });
    assert.deepEqual([code, stdout], [2, ""]);
    assert.match(stderr, /unkey\.json has a problem:\n {2}1:2 "prot" is not known: did you mean "port"\?/);
    const wrong = await unkey(["config", "show", "--port", "x", "--timeout", "0s"], {
      cwd: join(cwd, "../.."),
    });
    assert.equal(wrong.code, 2);
    assert.match(wrong.stderr, /2 configuration problems/);
  }, '{"prot": 1}');
});

Deno.test("config show --of shows a service by its variables and defaults, and says what it lacks", async () => {
  const env = {
    UNKEY_REGION: "eu",
    UNKEY_CONTROL_PLANE_URL: "http://127.0.0.1:1",
    UNKEY_CONTROL_PLANE_BEARER: "hunter2",
  };
  const shown = await show(["--of", "krane"], { env });
  assert.equal(shown.get("--region"), "eu | variable UNKEY_REGION");
  assert.equal(shown.get("--host-ports"), "20000-29999 | default");
  assert.equal(shown.get("UNKEY_CONTROL_PLANE_BEARER"), "******** | variable UNKEY_CONTROL_PLANE_BEARER");
  assert.equal(shown.has("--project"), false);
  const lacking = await unkey(["config", "show", "--of", "krane"], { env: { UNKEY_REGION: "eu" } });
  assert.equal(lacking.code, 2);
  assert.match(lacking.stdout, /^--region +eu +variable UNKEY_REGION$/m);
  assert.match(lacking.stderr, /2 configuration problems\n {2}--control-plane-url .* is required/);
  const asJson = await unkey(["config", "show", "--of", "krane", "--json"], { env: {} });
  assert.equal(asJson.code, 2);
  assert.equal(asJson.stdout.trim().split("\n").length, 1, "one object, also for a failure");
});

Deno.test("config show --of refuses what is no command, and flags that it does not apply", async () => {
  const cases: readonly (readonly [args: readonly string[], says: RegExp])[] = [
    [["--of", "ctrl"], /no command "ctrl"/],
    [["--of", "nothing"], /no command "nothing"/],
    [["--of", "krane", "--port", "1"], /leave out --port/],
  ];
  for (const [args, says] of cases) {
    const { code, stdout, stderr } = await unkey(["config", "show", ...args]);
    assert.deepEqual([code, stdout], [2, ""]);
    assert.match(stderr, says);
  }
});
