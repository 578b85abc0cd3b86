import assert from "node:assert/strict";
import { publicFault } from "../../pkg/fault/mod.ts";
import type { AddRegistryRequest } from "../../proto/gen/ctrl/v1/admin_pb.ts";
import {
  access,
  NOW,
  onlyJson,
  ROOT_KEY,
  type RunOptions,
  startControlPlane,
  unkey,
} from "../shared/testing.ts";

const CREATED = NOW - 3_600_000;
const CHANGED = NOW - 120_000;

async function controlPlane(hosts: readonly string[] = ["docker.io", "ghcr.io"]) {
  const adds: AddRegistryRequest[] = [];
  const known = new Set(hosts);
  const api = await startControlPlane({
    admin: {
      addRegistry(request) {
        if (request.host.includes("/")) throw publicFault("invalid_argument", "host must not have a path");
        adds.push(request);
        const replaced = known.has(request.host);
        return { registry: { host: request.host.toLowerCase(), username: request.username }, replaced };
      },
      listRegistries: ({ workspaceId }) => ({
        registries: [...known].map((host) => ({
          host,
          username: `of ${workspaceId || "caller"}`,
          createdAt: BigInt(CREATED),
          updatedAt: BigInt(CHANGED),
        })),
      }),
      removeRegistry: ({ host }) => ({ host: host.toLowerCase(), removed: known.delete(host.toLowerCase()) }),
    },
  });
  const run = (args: readonly string[], options: RunOptions = {}) =>
    unkey(["registries", ...args], { ...options, env: { ...access(api.url), ...options.env } });
  return { url: api.url, adds, run, [Symbol.asyncDispose]: () => api[Symbol.asyncDispose]() };
}

function answering(password: string | undefined): RunOptions {
  return {
    prompts: {
      confirm: () => Promise.resolve(undefined),
      select: () => Promise.resolve(undefined),
      password: () => Promise.resolve(password),
    },
  };
}

Deno.test("registries add takes the password from standard input or a question, and repeats it nowhere", async () => {
  await using api = await controlPlane();
  const login = ["--username", "acme"];
  const piped = await api.run(["add", "R.example.com:5000", ...login, "--password-stdin"], {
    stdin: "s3cret\n",
  });
  const asked = await api.run(["add", "docker.io", ...login], answering("s3cret asked"));
  const lines = { stdin: '{"private_key":\n"s3cret"}\r\n' };
  const json = await api.run(["add", "ghcr.io", ...login, "--password-stdin", "--json"], lines);
  for (const { code, stdout, stderr } of [piped, asked, json]) {
    assert.equal(code, 0, stderr);
    assert.doesNotMatch(stdout + stderr, /s3cret/);
  }
  assert.deepEqual([piped.stdout, piped.stderr], ["", "added r.example.com:5000, as acme\n"]);
  assert.equal(asked.stderr, "replaced the credentials for docker.io, as acme\n");
  assert.deepEqual(onlyJson(json), { host: "ghcr.io", username: "acme", replaced: true });
  assert.deepEqual(api.adds.map(({ host, username, secret }) => [host, username, secret]), [
    ["R.example.com:5000", "acme", "s3cret"],
    ["docker.io", "acme", "s3cret asked"],
    ["ghcr.io", "acme", '{"private_key":\n"s3cret"}'],
  ]);
});

Deno.test("registries add refuses a password as a flag, and a missing or empty one", async () => {
  await using api = await controlPlane();
  const login = ["--username", "acme"];
  const cases:
    readonly (readonly [args: readonly string[], code: number, text: RegExp, options?: RunOptions])[] = [
      [["add", "ghcr.io", ...login], 2, /no terminal to ask.*--password-stdin/],
      [["add", "ghcr.io", ...login, "--password-stdin"], 2, /was empty/, { stdin: "\n" }],
      [["add", "ghcr.io", ...login], 2, /was empty/, answering("")],
      [["add", "ghcr.io", ...login], 130, /Nothing was added/, answering(undefined)],
      [["add", "ghcr.io", ...login, "--password=s3cret"], 2, /Unknown option '--password'\./],
      [["add", "ghcr.io", ...login, "--password=\ns3cret"], 2, /Unknown option '--password'\./],
      [["add", "ghcr.io", ...login, "-ps3cret"], 2, /Unknown option '-p'\./],
      [["add", "ghcr.io", "--password-stdin"], 2, /--username .*is required/, { stdin: "s3cret" }],
      [["add", ...login], 2, /host/],
      [["add", "ghcr.io/acme", ...login, "--password-stdin"], 1, /must not have a path/, { stdin: "s3cret" }],
    ];
  for (const [args, expected, text, options] of cases) {
    const { code, stdout, stderr } = await api.run(args, options);
    assert.match(stderr, text, args.join(" "));
    assert.equal(code, expected, stderr);
    assert.doesNotMatch(stdout + stderr, /s3cret/);
  }
  assert.deepEqual(api.adds, []);
});

Deno.test("registries list shows hosts, users and when they changed", async () => {
  await using api = await controlPlane();
  const { code, stdout, stderr } = await api.run(["list"]);
  assert.equal(code, 0, stderr);
  assert.equal(
    stdout,
    `HOST       USERNAME   CHANGED
docker.io  of caller  2m ago
ghcr.io    of caller  2m ago
`,
  );
  const entry = { username: "of caller", createdAt: CREATED, updatedAt: CHANGED };
  assert.deepEqual(onlyJson(await api.run(["list", "--json"])), {
    registries: [{ host: "docker.io", ...entry }, { host: "ghcr.io", ...entry }],
  });
  await using empty = await controlPlane([]);
  const none = await empty.run(["list"]);
  assert.deepEqual([none.code, none.stdout], [0, ""]);
  assert.match(none.stderr, /No registries: .*"unkey registries add"/);
  assert.deepEqual(onlyJson(await empty.run(["list", "--json"])), { registries: [] });
});

Deno.test("registries remove says what it removed, and what is not there", async () => {
  await using api = await controlPlane();
  assert.equal((await api.run(["remove", "GHCR.io"])).stderr, "removed ghcr.io\n");
  const missing = await api.run(["remove", "ghcr.io"]);
  assert.equal(missing.code, 1);
  assert.match(missing.stderr, /no credentials for ghcr\.io: "unkey registries list"/);
  const json = await api.run(["remove", "docker.io", "--json"]);
  assert.deepEqual(onlyJson(json), { host: "docker.io", removed: true });
});

Deno.test("the operator names the workspace whose registries are meant", async () => {
  await using api = await controlPlane();
  const env = { UNKEY_API_BASE_URL: api.url, UNKEY_AUTH_TOKEN: ROOT_KEY, UNKEY_ROOT_KEY: "" };
  const workspace = ["--workspace", "globex"];
  assert.match((await api.run(["list", ...workspace], { env })).stdout, /of globex/);
  const add = ["add", "ghcr.io", "--username", "acme", "--password-stdin", ...workspace];
  assert.equal((await api.run(add, { env, stdin: "s3cret" })).code, 0);
  assert.equal(api.adds[0]?.workspaceId, "globex");
  const without = await api.run(["list", ...workspace]);
  assert.equal(without.code, 2);
  assert.match(without.stderr, /needs the service token: set UNKEY_AUTH_TOKEN/);
});
