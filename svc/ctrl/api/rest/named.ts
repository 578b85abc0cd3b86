import { z } from "zod";

/** The names of schemas in the OpenAPI document. */
export const NAMES = z.registry<{ readonly id: string }>();

/** The schemas with a name of their own. */
export const NAMED = new Set<z.ZodType>();

/** Rules between fields, in the form of JSON Schema: a refinement of Zod has none. */
export const RULES = z.registry<{ readonly rule: Readonly<Record<string, unknown>> }>();

/** Gives a schema its name in the document, where it is then described once. */
export function named<S extends z.ZodType>(id: string, given: S, description?: string): S {
  const schema = description === undefined ? given : given.describe(description);
  NAMES.add(schema, { id });
  NAMED.add(schema);
  return schema;
}

/** Gives the refinement of a schema a form that other programs can check. */
export function ruled<S extends z.ZodType>(rule: Readonly<Record<string, unknown>>, schema: S): S {
  RULES.add(schema, { rule });
  return schema;
}
