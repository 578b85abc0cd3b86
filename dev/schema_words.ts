/** Words of the schemas of printed JSON. */
import { z } from "zod";

export const text = z.string();
export const count = z.number().int();
/** Milliseconds since 1970. */
export const time = z.number().int();
export const flag = z.boolean();
export const texts = z.array(text).readonly();

/** The keys of every member of a union. */
type Keys<U> = U extends unknown ? keyof U : never;

/** Takes schemas that each value of the type fits, and that have each member of the type. */
type Fitting<T> = <S extends z.ZodType>(
  schema: S & (T extends z.input<S> ? ([Keys<T>] extends [Keys<z.input<S>>] ? unknown : never) : never),
) => S;

/** The schema as it is, if it fits the type. */
export function of<T>(): Fitting<T> {
  return (schema) => schema;
}
