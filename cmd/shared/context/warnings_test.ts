import assert from "node:assert/strict";
import { findDockerfile } from "../../../pkg/archive/mod.ts";
import { temporaryFolder } from "../testing.ts";
import { listFolder } from "./list_folder.ts";
import { type ContextWarning, contextWarnings } from "./warnings.ts";

const { signal } = new AbortController();

async function warningsOf(
  files: Readonly<Record<string, string | Uint8Array | number>>,
  pathsMax?: number,
): Promise<readonly ContextWarning[]> {
  await using folder = await temporaryFolder();
  for (const [path, content] of Object.entries({ Dockerfile: "FROM scratch\nCOPY . /\n", ...files })) {
    const file = `${folder.path}/${path}`;
    await Deno.mkdir(file.replace(/\/[^/]*$/, ""), { recursive: true });
    if (typeof content === "string") await Deno.writeTextFile(file, content);
    else if (typeof content !== "number") await Deno.writeFile(file, content);
    else {
      await Deno.writeTextFile(file, "");
      await Deno.truncate(file, content);
    }
  }
  const root = await Deno.realPath(folder.path);
  const dockerfile = await findDockerfile({ root, dockerfile: undefined, cwd: root });
  const context = await listFolder({ folder: root, dockerfile, includeGit: false }, signal);
  return await contextWarnings(context, dockerfile, pathsMax);
}

const KEY = "-----BEGIN PRIVATE KEY-----\nMII\n";
const CERTIFICATE = "-----BEGIN CERTIFICATE-----\nMII\n-----END CERTIFICATE-----\n";

Deno.test("contextWarnings() finds files that look like secrets", async (t) => {
  const secrets: Readonly<Record<string, string>> = {
    ".env": "A=1",
    "app/.env.production": "A=1",
    ".env_local": "A=1",
    ".envrc": "export A=1",
    "id_rsa": KEY,
    "keys/id_ed25519_work": KEY,
    "server.pem": KEY,
    "chain.pem": CERTIFICATE + KEY,
    "tls.key": KEY,
    "config/master.key": "0123",
    "vault.kdbx": "x",
    "upload.keystore": "x",
    ".npmrc": "//registry.npmjs.org/:_authToken=npm_abc\n",
    ".yarnrc.yml": "npmAuthToken: abc\n",
    ".pypirc": "[pypi]\npassword = abc\n",
    ".netrc": "machine x",
    ".git-credentials": "https://a:b@example.com",
    ".aws/credentials": "[default]",
    ".docker/config.json": '{"auths":{"x":{"auth":"abc"}}}',
    ".kube/config": "users: []",
    "service-account-prod.json": "{}",
    "my-service-account.json": "{}",
    "secrets.yaml": "a: 1",
    "terraform.tfstate": "{}",
  };
  for (const [path, content] of Object.entries(secrets)) {
    await t.step(path, async () => {
      const [warning] = await warningsOf({ [path]: content });
      assert.deepEqual([warning?.code, warning?.paths], ["secret_files", [path]]);
    });
  }
});

Deno.test("contextWarnings() does not warn about files that hold no secret of the user's", async (t) => {
  const harmless: Readonly<Record<string, string>> = {
    ".env.example": "A=1",
    "app/.env.local.template": "A=1",
    ".environment.ts": "A",
    ".env": "",
    "id_rsa.pub": "ssh-rsa",
    "ca.pem": CERTIFICATE,
    "public.pem": "-----BEGIN PUBLIC KEY-----\n",
    ".npmrc": "registry=https://example.com\n//example.com/:_authToken=${NPM_TOKEN}\n",
    ".yarnrc.yml": 'npmAuthToken: "${NPM_TOKEN}"\n',
    ".docker/config.json": '{"credsStore":"desktop"}',
    "node_modules/tls/test/server.key": KEY,
    "src/secrets.ts": "export",
    "monkey": "x",
  };
  for (const [path, content] of Object.entries(harmless)) {
    await t.step(path, async () => assert.deepEqual(await warningsOf({ [path]: content }), []));
  }
  await t.step("a file that is left out", async () => {
    assert.deepEqual(await warningsOf({ ".env": "A=1", ".dockerignore": ".env\n" }), []);
  });
  await t.step("a file that the Dockerfile copies by its name", async () => {
    const files = { ".env": "A=1", "Dockerfile": "FROM scratch\nCOPY ./.env /app/\n" };
    assert.deepEqual(await warningsOf(files), []);
  });
});

Deno.test("contextWarnings() says which lines leave secrets out, at most five lines in all", async () => {
  const files = Object.fromEntries([1, 2, 3, 4, 5].map((at) => [`${at}/[x]/.env`, "A=1"]));
  const [warning, ...more] = await warningsOf(files);
  assert.deepEqual(more, []);
  assert.equal(
    warning?.message,
    "files that look like secrets are sent to the build. To leave them out, add to .dockerignore:\n" +
      "  1/\\[x\\]/.env\n  2/\\[x\\]/.env\n  3/\\[x\\]/.env\n" +
      '  and 2 more, which "unkey context explain" lists',
  );
  assert.equal(warning?.paths.length, 5);
  const [all] = await warningsOf(files, 100);
  assert.equal(all?.message.split("\n").length, 6);
  const [one] = await warningsOf({ "a/.env": "A=1", "web.Dockerfile.dockerignore": "" });
  assert.equal(
    one?.message,
    "a file that looks like a secret is sent to the build. To leave it out, add to .dockerignore:\n  a/.env",
  );
});

Deno.test("contextWarnings() names files over 100 MiB, the largest first", async () => {
  const [warning] = await warningsOf({
    "a.bin": 100 * 2 ** 20,
    "b.bin": 100 * 2 ** 20 + 1,
    "data/dump.sql": 2 ** 30,
    "copied.bin": 2 ** 30,
    "Dockerfile": "FROM scratch\nCOPY copied.bin /\nCOPY . /\n",
  });
  assert.deepEqual([warning?.code, warning?.paths], ["large_files", ["data/dump.sql", "b.bin"]]);
  assert.equal(
    warning?.message,
    "files larger than 100 MiB are sent. To leave them out, add to .dockerignore:\n" +
      "  data/dump.sql  (1 GiB)\n  b.bin          (100 MiB)",
  );
});

Deno.test("contextWarnings() says that an ignore file in UTF-16 excludes nothing", async () => {
  const utf16 = new Uint8Array([0xff, 0xfe, ...[...".x\n"].flatMap((char) => [char.charCodeAt(0), 0])]);
  const [warning] = await warningsOf({ ".dockerignore": utf16, ".x": "" });
  assert.equal(warning?.code, "ignore_file_encoding");
  assert.match(warning?.message ?? "", /^\.dockerignore is in UTF-16, .* Save it as UTF-8\.$/);
});
