/** The value that each setting of a command has, and where it comes from. */
import { relative } from "node:path";
import type { Fields } from "../../pkg/cli/mod.ts";
import {
  defaultText,
  type Field,
  type Given,
  givenValues,
  type Origin,
  type Sources,
} from "../../pkg/config/mod.ts";

/** A place of a value beside those that every command has. */
export type EffectiveOrigin =
  | Origin
  | { readonly kind: "login"; readonly profile: string }
  | { readonly kind: "folder" }
  | { readonly kind: "default" };

/** One value that holds. */
export interface EffectiveValue {
  readonly value: string;
  readonly origin: EffectiveOrigin;
}

/** A setting with its values: none where it is not set and has no default, several of a repeated one. */
export interface EffectiveSetting {
  readonly field: Field<unknown>;
  readonly values: readonly EffectiveValue[];
}

const MASK = "********";

/** All settings in the order of their declaration; secrets are masked. */
export function effectiveSettings(fields: Fields, sources: Sources): Map<string, EffectiveSetting> {
  const all = Object.entries(fields).map(([key, field]): [string, EffectiveSetting] => {
    const given = superseding(field, givenValues(field, sources));
    const values = given.map(({ value, origin }) => ({ value: shown(field, String(value)), origin }));
    const fallback = defaultText(field) ??
      (field.placeholder === undefined && !field.secret ? "false" : undefined);
    if (values.length === 0 && fallback !== undefined) {
      return [key, { field, values: [{ value: fallback, origin: { kind: "default" } }] }];
    }
    return [key, { field, values }];
  });
  return new Map(all);
}

/** Without the values that a later one of the same name replaces: together those two parse into one. */
function superseding({ repeated, schema }: Field<unknown>, given: readonly Given[]): readonly Given[] {
  if (repeated !== true) return given;
  return given.filter(({ value }, at) =>
    !given.slice(at + 1).some((later) => {
      const both = schema.safeParse([value, later.value]);
      return both.success && Array.isArray(both.data) && both.data.length === 1;
    })
  );
}

/** The value as it may be printed. A password in a URL is a secret, too. */
export function shown({ secret }: Pick<Field<unknown>, "secret">, value: string): string {
  return secret ? MASK : value.replace(/(:\/\/[^:/@\s]*:)[^@/\s]+@/, `$1${MASK}@`);
}

/** A place in words. */
export function originText(origin: EffectiveOrigin, cwd: string): string {
  switch (origin.kind) {
    case "flag":
      return "flag";
    case "variable":
      return `variable ${origin.name}`;
    case "secret_file":
      return `file of variable ${origin.name}`;
    case "file": {
      const path = relative(cwd, origin.path);
      return origin.line === undefined ? path : `${path}:${origin.line}`;
    }
    case "login":
      return `login of profile ${origin.profile}`;
    case "folder":
      return "folder";
    case "default":
      return "default";
  }
}
