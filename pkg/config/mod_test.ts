import assert from "node:assert/strict";
import {
  field,
  listField,
  loadConfig,
  portSchema,
  requiredTextSchema,
  Secret,
  secretField,
  switchField,
} from "./mod.ts";
import { Fault } from "../fault/mod.ts";

const FIELDS = {
  port: field({ flag: "port", env: "T_PORT", help: "Port.", schema: portSchema(7091) }),
  region: field({ flag: "region", env: "T_REGION", help: "Region.", schema: requiredTextSchema() }),
  verbose: switchField({ flag: "verbose", env: "T_VERBOSE", help: "More." }),
  token: secretField({ env: "T_TOKEN", help: "Token.", required: true }),
};

function sources(flags: Record<string, string | boolean>, env: Record<string, string>) {
  return {
    flags: new Map(Object.entries(flags)),
    env: (name: string) => env[name],
    readFile: (path: string) => {
      if (path === "/run/token") return "from-file\n";
      throw new Error("no such file");
    },
  };
}

Deno.test("loadConfig() prefers the flag, then the variable, then the default", () => {
  const config = loadConfig(FIELDS, sources({ region: "eu" }, { T_REGION: "us", T_PORT: "", T_TOKEN: "x" }));
  assert.equal(config.region, "eu");
  assert.equal(config.port, 7091, "an empty variable counts as absent");
  assert.equal(config.verbose, false);
});

Deno.test("loadConfig() reports every problem at once and prints no value", () => {
  assert.throws(() => loadConfig(FIELDS, sources({ port: "hunter2" }, { T_VERBOSE: "maybe" })), (error) => {
    assert.ok(error instanceof Fault && error.publicMessage !== undefined);
    assert.match(error.publicMessage, /4 configuration problems/);
    for (const name of ["--port (T_PORT)", "--region (T_REGION)", "--verbose (T_VERBOSE)", "T_TOKEN"]) {
      assert.ok(error.publicMessage.includes(name), name);
    }
    assert.ok(!error.publicMessage.includes("hunter2"));
    return true;
  });
});

Deno.test("loadConfig() takes a secret from the file that the variable names", () => {
  const config = loadConfig(FIELDS, sources({ region: "eu" }, { T_TOKEN_FILE: "/run/token" }));
  assert.equal(config.token.reveal(), "from-file");
});

Deno.test("Secret prints nothing, however it is turned into text", () => {
  const secret = new Secret("hunter2");
  for (const text of [`${secret}`, JSON.stringify({ secret }), Deno.inspect(secret)]) {
    assert.ok(!text.includes("hunter2"));
  }
});

Deno.test("loadConfig() gives a repeated setting its values of file, variable and flags, in this order", () => {
  const fields = {
    names: listField({
      flag: "name",
      env: "T_NAMES",
      file: "names",
      placeholder: "<name>",
      help: "Names.",
      parse: (values) => {
        if (values.includes("")) throw new Fault("invalid_argument", "must not be empty");
        return values;
      },
    }),
  };
  const load = (flags: readonly string[] | undefined, env: Record<string, string> = {}) =>
    loadConfig(fields, {
      flags: new Map(flags === undefined ? [] : [["name", flags]]),
      env: (name) => env[name],
      file: { path: "/f.json", value: () => ["a\nb"], lineOf: () => 1 },
      readFile: () => "",
    }).names;
  assert.deepEqual(load(undefined), ["a\nb"]);
  assert.deepEqual(load(["x", "y"], { T_NAMES: "1\n 2 \n\n" }), ["a\nb", "1", "2", "x", "y"]);
  assert.throws(() => load([""]), /--name \(T_NAMES\) must not be empty/);
});

/** One start has to show all problems, or an operator needs a start for each. */
Deno.test("loadConfig() applies the rules between settings beside a setting that cannot be parsed", () => {
  const load = (flags: Record<string, string>) =>
    loadConfig(FIELDS, sources(flags, { T_TOKEN: "x" }), [
      ({ region }) => region === "eu" ? ["--region eu is closed"] : [],
      ({ port }) => port < 1_024 ? ["--port is for root"] : [],
      (config) => Object.values({ ...config }).includes(80) ? ["80 is taken"] : [],
    ]);
  assert.throws(() => load({ region: "eu", port: "80" }), /3 configuration problems/);
  assert.throws(() => load({ region: "eu", port: "x" }), (error) => {
    assert.ok(error instanceof Fault);
    assert.match(
      error.message,
      /2 configuration problems\n {2}--port \(T_PORT\) .*\n {2}--region eu is closed$/,
    );
    return true;
  });
});

Deno.test("loadConfig() lets a bug in a rule through", () => {
  const broken = (): never => {
    throw new TypeError("a bug");
  };
  assert.throws(() => loadConfig(FIELDS, sources({ region: "eu" }, { T_TOKEN: "x" }), broken), /a bug/);
});
