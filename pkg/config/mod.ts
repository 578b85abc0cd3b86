/**
 * Settings, declared once: flag, variable, default, help, secrecy and validation in one place.
 *
 * ```ts
 * export const API_FIELDS = {
 *   port: field({ flag: "port", env: "UNKEY_HTTP_PORT", help: "Port to serve on.", schema: portSchema(7091) }),
 *   token: secretField({ env: "UNKEY_AUTH_TOKEN", help: "Service token.", required: true }),
 * };
 * export type ApiConfig = ConfigOf<typeof API_FIELDS>;
 * const config = loadConfig(API_FIELDS, { flags, env, readFile });
 * ```
 *
 * Every problem is reported at once, naming flag and variable and never a value. A secret comes from its variable, or
 * from the file that `<VARIABLE>_FILE` names, and never from a flag.
 *
 * @module
 */
import { z } from "zod";
import { Fault, isFault } from "../fault/mod.ts";
import { parseNetwork } from "../networks/mod.ts";
import { Secret } from "../secret/mod.ts";
import type { ConfigOf, Field, Sources } from "./field.ts";
import { givenValues } from "./given.ts";
import { problemsOf, type Rules } from "./rules.ts";
import { parseSwitch } from "./shorts.ts";

export { Secret };
export { choiceSchema } from "./choice.ts";
export { durationSchema, durationText } from "./duration.ts";
export type { ConfigOf, Field, FlagValue, SettingsFile, Short, Sources } from "./field.ts";
export { type Given, givenValues, type Origin } from "./given.ts";
export { problemsOf, type Rule, type Rules } from "./rules.ts";
export { shortHelp } from "./shorts.ts";
export { defaultText, valueText } from "./text.ts";

/** Declares a setting with a flag. */
export function field<T>(options: Omit<Field<T>, "secret"> & { readonly flag: string }): Field<T> {
  return { placeholder: "<value>", ...options, secret: false };
}

/**
 * Declares a setting that can be given many times. `parse` gets all values, those that go before others last, and throws
 * `invalid_argument` for a wrong one.
 */
export function listField<T>(
  options: {
    readonly flag: string;
    readonly env: string;
    readonly file?: string;
    readonly help: string;
    readonly placeholder: string;
    readonly parse: (values: readonly string[]) => T;
  },
): Field<T> {
  const { parse, ...rest } = options;
  const schema = z.array(z.string()).default([]).transform((values, context): T => {
    try {
      return parse(values);
    } catch (error) {
      if (!isFault(error, "invalid_argument")) throw error;
      context.addIssue({ code: "custom", message: error.message });
      return z.NEVER;
    }
  });
  return { ...rest, secret: false, repeated: true, schema };
}

/** Declares a switch: present means true; `--flag=false` and a variable of `false`, `0` or `no` mean false. */
export function switchField(
  options: { flag: string; env: string; file?: string; help: string; default?: boolean },
): Field<boolean> {
  const schema = z.union([z.boolean(), z.string()]).optional().transform((raw, context): boolean => {
    if (raw === undefined) return options.default ?? false;
    if (typeof raw === "boolean") return raw;
    const parsed = parseSwitch(raw);
    if (parsed !== undefined) return parsed;
    context.addIssue({ code: "custom", message: "must be true or false" });
    return z.NEVER;
  });
  const { default: _, ...rest } = options;
  return { ...rest, secret: false, schema };
}

/** Declares a required secret. */
export function secretField(options: { env: string; help: string; required: true }): Field<Secret>;
/** Declares an optional secret. */
export function secretField(
  options: { env: string; help: string; required: false },
): Field<Secret | undefined>;
export function secretField(
  options: { env: string; help: string; required: boolean },
): Field<Secret | undefined> {
  const schema = z.string().optional().transform((raw, context): Secret | undefined => {
    if (raw !== undefined) return new Secret(raw);
    if (options.required) context.addIssue({ code: "custom", message: REQUIRED });
    return undefined;
  });
  return { env: options.env, help: options.help, secret: true, schema };
}

const REQUIRED = "is required";

/** A text that `parse` reads, or nothing. @param rule says what `parse` takes, e.g. `must be a size like 2GiB` */
export function parsedSchema<T>(
  parse: (text: string) => T | undefined,
  rule: string,
): z.ZodType<T | undefined> {
  return z.string().optional().transform((text, context): T | undefined => {
    const value = text === undefined ? undefined : parse(text.trim());
    if (text === undefined || value !== undefined) return value;
    context.addIssue({ code: "custom", message: rule });
    return z.NEVER;
  });
}

/** A TCP port; 0 asks the system for a free one. */
export function portSchema(fallback: number): z.ZodType<number> {
  return z.string().default(String(fallback)).transform((raw, context): number => {
    const port = /^\d{1,5}$/.test(raw) ? Number(raw) : -1;
    if (port >= 0 && port <= 65_535) return port;
    context.addIssue({ code: "custom", message: "must be a port between 0 and 65535" });
    return z.NEVER;
  });
}

/** The same, or none. */
export function optionalPortSchema(): z.ZodType<number | undefined> {
  return z.string().optional().transform((raw, context): number | undefined => {
    if (raw === undefined) return undefined;
    const parsed = portSchema(0).safeParse(raw);
    if (parsed.success) return parsed.data;
    context.addIssue({ code: "custom", message: "must be a port between 0 and 65535" });
    return z.NEVER;
  });
}

/** Addresses and networks in CIDR notation, separated by commas. */
export function networksSchema(fallback: readonly string[]): z.ZodType<readonly string[]> {
  return listSchema(fallback).transform((networks, context): readonly string[] => {
    for (const each of networks) {
      if (parseNetwork(each) !== undefined) continue;
      context.addIssue({ code: "custom", message: `must be addresses or networks: "${each}" is neither` });
      return z.NEVER;
    }
    return networks;
  });
}

/** A whole number within bounds. */
export function integerSchema(fallback: number, min: number, max: number): z.ZodType<number> {
  return z.string().default(String(fallback)).transform((raw, context): number => {
    const value = /^-?\d{1,15}$/.test(raw) ? Number(raw) : NaN;
    if (value >= min && value <= max) return value;
    context.addIssue({ code: "custom", message: `must be a whole number between ${min} and ${max}` });
    return z.NEVER;
  });
}

/** An http or https URL, without a trailing slash. */
export function urlSchema(fallback?: string): z.ZodType<string> {
  return z.string().optional().transform((given, context): string => {
    const raw = given ?? fallback;
    if (raw === undefined) {
      context.addIssue({ code: "custom", message: REQUIRED });
      return z.NEVER;
    }
    const url = URL.canParse(raw) ? new URL(raw) : undefined;
    if (url?.protocol === "http:" || url?.protocol === "https:") return raw.replace(/(?<!\/)\/+$/, "");
    context.addIssue({ code: "custom", message: "must be an http:// or https:// URL" });
    return z.NEVER;
  });
}

/** The same, or `unix:///path` for a server at a Unix socket of this machine. */
export function urlOrSocketSchema(fallback: string): z.ZodType<string> {
  return z.string().default(fallback).transform((raw, context): string => {
    const url = URL.canParse(raw) ? new URL(raw) : undefined;
    if (url?.protocol === "http:" || url?.protocol === "https:") return raw.replace(/(?<!\/)\/+$/, "");
    if (/^unix:\/\/\/.+$/.test(raw)) return raw;
    context.addIssue({
      code: "custom",
      message: "must be an http:// or https:// URL, or unix:///path/of/a.sock",
    });
    return z.NEVER;
  });
}

/** The same as `urlSchema`, or nothing. */
export function optionalUrlSchema(): z.ZodType<string | undefined> {
  return z.string().optional().transform((raw, context): string | undefined => {
    if (raw === undefined) return undefined;
    const parsed = urlSchema().safeParse(raw);
    if (parsed.success) return parsed.data;
    context.addIssue({ code: "custom", message: "must be an http:// or https:// URL" });
    return z.NEVER;
  });
}

/** A comma-separated list; the command line replaces the default. */
export function listSchema(fallback: readonly string[]): z.ZodType<readonly string[]> {
  return z.string().optional().transform((raw) =>
    raw === undefined ? fallback : raw.split(",").map((each) => each.trim()).filter((each) => each !== "")
  );
}

/** Text that may be left out. */
export function textSchema(): z.ZodType<string | undefined>;
/** Text with a default. */
export function textSchema(fallback: string): z.ZodType<string>;
export function textSchema(fallback?: string): z.ZodType<string | undefined> {
  return z.string().optional().transform((raw) => raw ?? fallback);
}

/** Text that must be given. */
export function requiredTextSchema(): z.ZodType<string> {
  return z.string({ error: REQUIRED });
}

/**
 * Parses all fields, then applies the rules between fields. A rule that needs a field which could not be parsed is left out.
 *
 * @throws `invalid_argument` that lists every problem
 */
export function loadConfig<F extends Record<string, Field<unknown>>>(
  fields: F,
  sources: Sources,
  rules: Rules<ConfigOf<F>> = [],
): ConfigOf<F> {
  const problems: string[] = [];
  const config: Record<string, unknown> = {};
  const broken = new Set<string>();
  for (const [key, each] of Object.entries(fields)) {
    const given = givenValues(each, sources, (text) => problems.push(text)).map(({ value }) => value);
    const parsed = each.schema.safeParse(each.repeated === true ? given : given[0]);
    config[key] = parsed.data;
    if (parsed.success) continue;
    broken.add(key);
    problems.push(`${fieldName(each)} ${parsed.error.issues[0]?.message ?? "is not valid"}`);
  }
  // Every key of `fields` was parsed by its own schema above, or is in `broken`.
  problems.push(...problemsOf(rules, config as ConfigOf<F>, broken));
  if (problems.length === 0) return config as ConfigOf<F>;
  const count = problems.length === 1
    ? "1 configuration problem"
    : `${problems.length} configuration problems`;
  const text = `Cannot start: ${count}\n${problems.map((each) => `  ${each}`).join("\n")}`;
  throw new Fault("invalid_argument", text, { publicMessage: text });
}

/** A setting's name in messages: its flag, where it has one, and its variable. */
export function fieldName(each: Field<unknown>): string {
  return each.flag === undefined ? each.env : `--${each.flag} (${each.env})`;
}
