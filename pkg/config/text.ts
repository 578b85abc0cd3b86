/** Values of settings as a user types them. */
import { Secret } from "../secret/mod.ts";
import type { Field } from "./field.ts";

/** A value of this setting as text; `undefined` for no value and for a secret. */
export function valueText<T>(field: Field<T>, value: T): string | undefined {
  if (value === undefined || value instanceof Secret) return undefined;
  if (field.show !== undefined) return field.show(value);
  return Array.isArray(value) ? value.join(",") : String(value);
}

/** The setting's default as text; `undefined` where there is none, or where it is the absence of anything. */
export function defaultText(field: Field<unknown>): string | undefined {
  const parsed = field.schema.safeParse(undefined);
  if (!parsed.success || parsed.data === false) return undefined;
  return valueText(field, parsed.data) || undefined;
}
