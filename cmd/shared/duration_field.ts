import { durationSchema, type Field, field, parsedSchema } from "../../pkg/config/mod.ts";

const SECOND_MS = 1_000;

/** A duration of one second to `maxMs`, in milliseconds; absent where none is given. */
export function optionalDurationField(
  maxMs: number,
  options: { readonly flag: string; readonly env: string; readonly file?: string; readonly help: string },
): Field<number | undefined> {
  const given = durationSchema({ fallback: "1s", minMs: SECOND_MS, maxMs });
  const rule = given.safeParse("").error?.issues[0]?.message ?? "";
  return field({
    ...options,
    placeholder: "<duration>",
    schema: parsedSchema((text) => given.safeParse(text).data, rule),
  });
}
