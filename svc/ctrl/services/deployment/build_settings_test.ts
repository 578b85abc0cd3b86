import assert from "node:assert/strict";
import { isFault } from "../../../../pkg/fault/mod.ts";
import { checkBuild, checkDockerfile, NO_OPTIONS, type RequestedBuild } from "./build_settings.ts";

const KIB = 1024;
const bytes = (length: number): Uint8Array => new Uint8Array(length);
const many = <T>(count: number, value: T): [string, T][] =>
  Array.from({ length: count }, (_, at) => [`N${at}`, value]);

Deno.test("checkBuild() takes all that is within the limits", () => {
  const build: RequestedBuild = {
    arguments: { ...Object.fromEntries(many(99, "x".repeat(1_000))), _A1: "x".repeat(16 * KIB) },
    secrets: new Map([...many(2, bytes(256 * KIB)), ["npm.token_1-x", bytes(0)]]),
    target: "build.Stage_1-x",
    noCache: true,
    pull: true,
    platform: "linux/arm/v7",
    variableArguments: ["NEXT_PUBLIC_X", "B"],
  };
  assert.deepEqual(checkBuild(build), build);
  assert.deepEqual(checkBuild(NO_OPTIONS), NO_OPTIONS);
  const twice = checkBuild({ ...NO_OPTIONS, variableArguments: ["A", "A"] });
  assert.deepEqual(twice.variableArguments, ["A"]);
});

Deno.test("checkBuild() says what is wrong, and shows no value", async (t) => {
  const cases: readonly {
    readonly name: string;
    readonly change: Partial<RequestedBuild>;
    readonly says: RegExp;
  }[] = [
    {
      name: "too many arguments",
      change: { arguments: Object.fromEntries(many(101, "")) },
      says: /^build\.arguments must be at most 100$/,
    },
    { name: "a name of an argument", change: { arguments: { "A-B": "" } }, says: /arguments .*got "A-B"/ },
    {
      name: "a large argument",
      change: { arguments: { A: "hunter2".repeat(3_000) } },
      says: /^build\.arguments\.A must have at most 16 KiB$/,
    },
    {
      name: "NUL in an argument",
      change: { arguments: { A: "hunter2\0" } },
      says: /^build\.arguments\.A must not contain NUL$/,
    },
    {
      name: "large arguments together",
      change: { arguments: Object.fromEntries(many(9, "\u00fc".repeat(8 * KIB))) },
      says: /^build\.arguments must have at most 128 KiB together$/,
    },
    {
      name: "too many secrets",
      change: { secrets: new Map(many(51, bytes(1))) },
      says: /^build\.secrets must be at most 50$/,
    },
    { name: "an id", change: { secrets: new Map([["a/b", bytes(1)]]) }, says: /secrets .*got "a\/b"$/ },
    {
      name: "a large secret",
      change: { secrets: new Map([["A", bytes(256 * KIB + 1)]]) },
      says: /^build\.secrets\.A must have at most 256 KiB$/,
    },
    {
      name: "large secrets together",
      change: { secrets: new Map(many(3, bytes(200 * KIB))) },
      says: /^build\.secrets must have at most 512 KiB together$/,
    },
    { name: "a target", change: { target: "a b" }, says: /^build\.target .*got "a b"$/ },
    { name: "a long target", change: { target: "x".repeat(129) }, says: /at most 128 characters/ },
    { name: "a platform", change: { platform: "amd64" }, says: /like "linux\/amd64".*got "amd64"$/ },
    {
      name: "a variable",
      change: { variableArguments: ["A=B"] },
      says: /^build\.variable_arguments .*got "A=B"$/,
    },
  ];
  for (const { name, change, says } of cases) {
    await t.step(name, () => {
      assert.throws(() => checkBuild({ ...NO_OPTIONS, ...change }), (error) => {
        assert.ok(isFault(error, "invalid_argument"));
        assert.match(error.publicMessage ?? "", says);
        assert.doesNotMatch(error.message, /hunter2/);
        return true;
      });
    });
  }
});

Deno.test("checkDockerfile() takes up to 512 KiB", () => {
  assert.equal(checkDockerfile(bytes(512 * KIB))?.length, 512 * KIB);
  assert.equal(checkDockerfile(undefined), undefined);
  assert.throws(() => checkDockerfile(bytes(512 * KIB + 1)), /dockerfile must have at most 512 KiB/);
});
