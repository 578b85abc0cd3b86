/** The key `build` of `unkey.json`. */
import { resolve } from "node:path";
import { z } from "zod";
import { ARGUMENT_NAME, PLATFORM, SECRET_ID, secretText, TARGET } from "../build_specs.ts";

const NAME_RULE = "must be a name of letters, digits and underscores";
const SECRET_RULE = 'must be {"env": "VARIABLE"} or {"file": "path"}';

/** Every key of `build`. */
export const BUILD_KEYS = {
  args: named(
    z.union([z.string(), z.number(), z.boolean()], { error: "must be text" }),
    ARGUMENT_NAME,
    NAME_RULE,
  ),
  secrets: named(
    z.union([z.strictObject({ env: filled() }), z.strictObject({ file: filled() })], { error: SECRET_RULE }),
    SECRET_ID,
    "must be an id of letters, digits, dots, hyphens and underscores",
  ),
  target: matching(TARGET, "must be the name of a stage"),
  includeGit: z.boolean({ error: "must be true or false" }),
  noCache: z.boolean({ error: "must be true or false" }),
  pull: z.boolean({ error: "must be true or false" }),
  platform: matching(PLATFORM, 'must be like "linux/amd64" or "linux/arm/v7"'),
  variables: z.array(matching(ARGUMENT_NAME, NAME_RULE), { error: "must be a list of names" }),
};

const SCHEMA = z.strictObject(BUILD_KEYS).partial();

/** The values by their keys with `build.` before them, as the flags take them. Paths of secrets are relative to `folder`. */
export function* buildValues(
  { args = {}, secrets = {}, variables = [], ...others }: z.infer<typeof SCHEMA>,
  folder: string,
): Generator<[key: string, value: string | readonly string[]]> {
  yield ["build.args", Object.entries(args).map(([name, value]) => `${name}=${value}`)];
  yield [
    "build.secrets",
    Object.entries(secrets).map(([id, source]) =>
      "env" in source
        ? secretText(id, "env", source.env)
        : secretText(id, "src", resolve(folder, source.file))
    ),
  ];
  yield ["build.variables", variables];
  for (const [key, value] of Object.entries(others)) yield [`build.${key}`, String(value)];
}

function filled(): z.ZodString {
  return z.string({ error: SECRET_RULE }).min(1, SECRET_RULE);
}

function matching(pattern: RegExp, message: string): z.ZodString {
  return z.string({ error: message }).regex(pattern, message);
}

/** An object whose keys are checked, too. */
function named<T>(value: z.ZodType<T>, pattern: RegExp, rule: string): z.ZodType<Record<string, T>> {
  return z.record(z.string().regex(pattern, rule), value, {
    error: ({ code }) => code === "invalid_key" ? rule : "must be a JSON object",
  });
}
