import assert from "node:assert/strict";
import { onlyJson, type RunOptions } from "../shared/testing.ts";
import { answering, controlPlane } from "./testing.ts";

Deno.test("registries add takes the password from standard input or a question, and prints it nowhere", async () => {
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
