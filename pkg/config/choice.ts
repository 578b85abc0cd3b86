import { z } from "zod";

/** One of these words; the first one is the default. */
export function choiceSchema<const T extends readonly [string, ...string[]]>(words: T): z.ZodType<T[number]> {
  const [first, ...others] = words;
  const last = others.at(-1) ?? first;
  const text = `must be ${words.slice(0, -1).join(", ")} or ${last}`;
  return z.string().default(first).transform((raw, context): T[number] => {
    const found = words.find((each) => each === raw);
    if (found !== undefined) return found;
    context.addIssue({ code: "custom", message: text });
    return z.NEVER;
  });
}
