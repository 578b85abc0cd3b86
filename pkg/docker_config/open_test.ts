import assert from "node:assert/strict";
import { join } from "node:path";
import { auth, machine } from "./testing.ts";

const HUB = "https://index.docker.io/v1/";

Deno.test("credentials in the file are found by any name of their registry", async (t) => {
  await using user = await machine();
  await user.config({
    auths: {
      [HUB]: auth("hub", "p:with:colons"),
      "ghcr.io": auth("octo", "padded\0\0"),
      "https://registry.example.com/v2/": auth("url", "p"),
      "localhost:5000": { username: "plain", password: "p" },
      "token.example.com": { ...auth("ignored", "p"), identitytoken: "refresh" },
      "empty.example.com": {},
      "null.example.com": { auth: null },
    },
    credHelpers: null,
    HttpHeaders: { "User-Agent": "Docker" },
  });
  const cases: readonly (readonly [host: string, expected: readonly [string, string] | undefined])[] = [
    ["docker.io", ["hub", "p:with:colons"]],
    ["registry-1.docker.io", ["hub", "p:with:colons"]],
    ["ghcr.io", ["octo", "padded"]],
    ["GHCR.io", ["octo", "padded"]],
    ["registry.example.com", ["url", "p"]],
    ["localhost:5000", ["plain", "p"]],
    ["token.example.com", ["<token>", "refresh"]],
    ["empty.example.com", undefined],
    ["null.example.com", undefined],
    ["localhost", undefined],
    ["quay.io", undefined],
  ];
  for (const [host, expected] of cases) {
    await t.step(host, async () => assert.deepEqual(await user.ask(host), expected));
  }
  assert.deepEqual(user.lines, []);
});

/** `docker login` must count while `unkey up` runs. */
Deno.test("the file is read again when it changes", async () => {
  await using user = await machine();
  assert.equal(await user.ask("ghcr.io"), undefined);
  await user.config({ auths: { "ghcr.io": auth("a", "1") } });
  assert.deepEqual(await user.ask("ghcr.io"), ["a", "1"]);
  await user.config({ auths: { "ghcr.io": auth("b", "2") } });
  assert.deepEqual(await user.ask("ghcr.io"), ["b", "2"]);
  await Deno.remove(join(user.home, ".docker"), { recursive: true });
  assert.equal(await user.ask("ghcr.io"), undefined);
  assert.deepEqual(user.lines, []);
});

Deno.test("DOCKER_CONFIG names another folder", async () => {
  const folder = await Deno.makeTempDir({ prefix: "unkey-test-docker-config-" });
  try {
    await using user = await machine({ env: (name) => name === "DOCKER_CONFIG" ? folder : undefined });
    await user.config({ auths: { "ghcr.io": auth("home", "1") } });
    await Deno.writeTextFile(
      join(folder, "config.json"),
      JSON.stringify({ auths: { "ghcr.io": auth("named", "1") } }),
    );
    assert.deepEqual(await user.ask("ghcr.io"), ["named", "1"]);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("a broken file gives no credentials and one line without its content", async (t) => {
  const cases: readonly (readonly [name: string, content: unknown, reason: RegExp])[] = [
    ["no JSON", '{"auths": {"ghcr.io": {"auth": s3cret', /is not valid JSON/],
    [
      "an entry of another type",
      { auths: { "ghcr.io": "s3cret" } },
      /not as Docker writes it at .*auths\.ghcr\.io/,
    ],
    ["no base64", { auths: { "ghcr.io": { auth: "s3cret!" } } }, /entry of ghcr\.io is not base64/],
    ["no colon", { auths: { "ghcr.io": { auth: btoa("s3cret") } } }, /entry of ghcr\.io is not base64/],
    ["no user", { auths: { "ghcr.io": { auth: btoa(":s3cret") } } }, /entry of ghcr\.io is not base64/],
    ["too large", JSON.stringify({ x: "s3cret".repeat(1_000_000) }), /larger than 4 MiB/],
  ];
  for (const [name, content, reason] of cases) {
    await t.step(name, async () => {
      await using user = await machine();
      await user.config(content);
      for (let asked = 0; asked < 3; asked++) assert.equal(await user.ask("ghcr.io"), undefined);
      assert.equal(user.lines.length, 1, user.lines.join("\n"));
      const { level, path, reason: logged } = JSON.parse(user.lines[0] ?? "");
      assert.deepEqual([level, path], ["warn", join(user.home, ".docker/config.json")]);
      assert.match(logged, reason);
      assert.doesNotMatch(user.lines.join(), /s3cret|czNjcmV0/);
      await user.config({ auths: { "ghcr.io": auth("mended", "1") } });
      assert.deepEqual(await user.ask("ghcr.io"), ["mended", "1"]);
      await user.config(content);
      await user.ask("ghcr.io");
      assert.equal(user.lines.length, 2, "the same problem is logged again after it was over");
    });
  }
});
