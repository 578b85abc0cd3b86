import assert from "node:assert/strict";
import { z } from "zod";
import { Secret } from "../secret/mod.ts";
import {
  defaultText,
  field,
  integerSchema,
  listSchema,
  secretField,
  switchField,
  textSchema,
  valueText,
} from "./mod.ts";

const pairs = field({
  flag: "pairs",
  env: "T_PAIRS",
  help: "Pairs.",
  schema: z.string().default("a=1").transform((raw) => ({
    key: raw.split("=")[0],
    value: raw.split("=")[1],
  })),
  show: ({ key, value }) => `${key}=${value}`,
});
const text = (fallback?: string) =>
  field({
    flag: "t",
    env: "T",
    help: "T.",
    schema: fallback === undefined ? textSchema() : textSchema(fallback),
  });

Deno.test("defaultText() is the text that parses into the default", () => {
  assert.equal(defaultText(text("x")), "x");
  assert.equal(defaultText(field({ flag: "n", env: "N", help: "N.", schema: integerSchema(7, 1, 9) })), "7");
  assert.equal(
    defaultText(field({ flag: "l", env: "L", help: "L.", schema: listSchema(["a", "b"]) })),
    "a,b",
  );
  assert.equal(defaultText(pairs), "a=1");
  assert.equal(
    defaultText(switchField({ flag: "on", env: "ON", help: "On.", default: true })),
    "true",
    "a switch that is on",
  );
});

Deno.test("defaultText() is absent where no value is the default, and for what must be given", () => {
  assert.equal(defaultText(text()), undefined);
  assert.equal(defaultText(text("")), undefined);
  assert.equal(
    defaultText(field({ flag: "l", env: "L", help: "L.", schema: listSchema([]) })),
    undefined,
  );
  assert.equal(defaultText(switchField({ flag: "off", env: "OFF", help: "Off." })), undefined);
  assert.equal(defaultText(secretField({ env: "S", help: "S.", required: true })), undefined);
});

Deno.test("valueText() never shows a secret", () => {
  const secret = secretField({ env: "S", help: "S.", required: false });
  assert.equal(valueText(secret, new Secret("hunter2")), undefined);
  assert.equal(valueText(pairs, { key: "b", value: "2" }), "b=2");
});
