import assert from "node:assert/strict";
import { deploy, resultOf, startParts } from "../shared/deploying/testing.ts";

const text = (bytes: Uint8Array | undefined): string => new TextDecoder().decode(bytes);

async function settingsOf(options: Omit<Parameters<typeof deploy>[0], "url">) {
  await using parts = await startParts({});
  const deployed = await deploy({ ...options, url: parts.plane.url });
  assert.equal(deployed.code, 0, deployed.stderr);
  const { source } = parts.seen.creates[0] ?? {};
  assert.ok(source?.case === "buildContext" && source.value.settings !== undefined);
  const { secrets, arguments: values, ...rest } = source.value.settings;
  const contents = Object.entries(secrets).map(([id, bytes]) => [id, text(bytes)] as const);
  return { deployed, secrets: Object.fromEntries(contents), arguments: { ...values }, rest };
}

Deno.test("deploy sends the build's arguments, secrets and options", async () => {
  const { arguments: values, secrets, rest, deployed } = await settingsOf({
    args: [
      ...["--build-arg", "A=1", "--build-arg", "FROM_ENV", "--build-arg=EMPTY", "--build-arg", "UNSET"],
      ...["--secret", "id=token,env=NPM_TOKEN", "--secret", "id=file,src=secret.txt"],
      ...["--secret", "id=BY_NAME", "--secret", "id=by.file"],
      ...["--build-variable", "NEXT_PUBLIC_X", "--build-variable", "Y"],
      ...["--target", "prod", "--platform", "linux/arm64", "--no-cache", "--pull"],
    ],
    env: { FROM_ENV: "2", EMPTY: "", NPM_TOKEN: "hunter2", BY_NAME: "hunter3" },
    files: {
      "Dockerfile": "FROM scratch\n",
      ".dockerignore": "*\n",
      "secret.txt": "hunter4\n",
      "by.file": "hunter5",
    },
  });
  assert.deepEqual(values, { A: "1", FROM_ENV: "2", EMPTY: "" });
  assert.deepEqual(secrets, {
    token: "hunter2",
    file: "hunter4\n",
    BY_NAME: "hunter3",
    "by.file": "hunter5",
  });
  const { target, platform, noCache, pull, variableArguments } = rest;
  assert.deepEqual([target, platform, noCache, pull], ["prod", "linux/arm64", true, true]);
  assert.deepEqual(variableArguments, ["NEXT_PUBLIC_X", "Y"]);
  assert.doesNotMatch(deployed.stdout + deployed.stderr, /hunter/);
});

Deno.test("deploy without settings of the build sends none", async () => {
  const { arguments: values, secrets, rest } = await settingsOf({});
  const { target, platform, noCache, pull, variableArguments } = rest;
  assert.deepEqual([values, secrets, variableArguments], [{}, {}, []]);
  assert.deepEqual([target, platform, noCache, pull], ["", "", false, false]);
});

Deno.test("deploy takes the build's settings of unkey.json, and flags and variables go before them by name", async () => {
  const build = {
    args: { A: "file", B: "file", C: 22, MULTI: "a\nb=c" },
    secrets: { token: { env: "NPM_TOKEN" }, file: { file: "in/a,b.txt" }, other: { env: "OTHER" } },
    target: "file",
    noCache: true,
    pull: true,
    platform: "linux/amd64",
    variables: ["X"],
  };
  const { arguments: values, secrets, rest } = await settingsOf({
    args: [
      "app",
      ...["--build-arg", "A=flag", "--target", "flag", "--no-cache=false", "--build-variable", "Y"],
      ...["--secret", "id=other,env=MINE"],
    ],
    env: { UNKEY_BUILD_ARGS: "A=variable\n B=variable \n", NPM_TOKEN: "1", OTHER: "2", MINE: "3" },
    files: {
      "app/Dockerfile": "FROM scratch\n",
      "app/unkey.json": JSON.stringify({ build }),
      "app/in/a,b.txt": "content",
    },
  });
  assert.deepEqual(values, { A: "flag", B: "variable", C: "22", MULTI: "a\nb=c" });
  assert.deepEqual(secrets, { token: "1", file: "content", other: "3" });
  const { target, platform, noCache, pull, variableArguments } = rest;
  assert.deepEqual([target, platform, noCache, pull], ["flag", "linux/amd64", false, true]);
  assert.deepEqual(variableArguments, ["X", "Y"]);
});

Deno.test("deploy says that a secret is empty because its variable is not set, as docker build makes it", async () => {
  const { secrets, deployed } = await settingsOf({ args: ["--secret", "id=token,env=NPM_TOKEN"] });
  assert.deepEqual(secrets, { token: "" });
  assert.match(deployed.stderr, /note the secret "token" is empty: the variable NPM_TOKEN is not set\n/);
});

Deno.test("deploy refuses secrets that cannot be read, before anything is sent, and shows none of them", async (t) => {
  const large = "hunter2".repeat(40_000);
  const cases: readonly { readonly name: string; readonly secret: string; readonly says: RegExp }[] = [
    { name: "no file", secret: "id=a,src=nothing", says: /file of the secret "a" cannot be read: .*nothing/ },
    { name: "neither", secret: "id=a", says: /file of the secret "a" cannot be read/ },
    { name: "a folder", secret: "id=a,src=.", says: /file of the secret "a" cannot be read/ },
    { name: "a large file", secret: "id=a,src=large", says: /secret "a" is larger than 256 KiB/ },
    { name: "a large variable", secret: "id=a,env=LARGE", says: /secret "a" is larger than 256 KiB/ },
    { name: "no id", secret: "env=hunter2", says: /--secret \(UNKEY_BUILD_SECRETS\) must be "id=NAME"/ },
  ];
  for (const { name, secret, says } of cases) {
    await t.step(name, async () => {
      await using parts = await startParts({});
      const deployed = await deploy({
        url: parts.plane.url,
        args: ["--json", "--secret", secret],
        env: { LARGE: large },
        files: { "Dockerfile": "FROM scratch\n", large },
      });
      const { error, exitCode } = resultOf(deployed);
      assert.deepEqual([error?.code, exitCode], ["usage", 2]);
      assert.match(error?.message ?? "", says);
      assert.doesNotMatch(deployed.stdout + deployed.stderr, /hunter2/);
      assert.deepEqual([parts.seen.uploads, parts.seen.creates], [[], []]);
    });
  }
});
