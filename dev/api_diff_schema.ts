/** The changes of an API in the JSON that `unkey openapi diff` prints. */
import { z } from "zod";
import { count, flag, text } from "./schema_words.ts";

const counts = z.strictObject({ added: count, deleted: count, modified: count });

export const API_DIFF = {
  former: text,
  current: text,
  differs: flag,
  breaking: flag,
  endpoints: counts,
  paths: counts,
  schemas: counts,
  changes: z.array(z.strictObject({
    level: z.enum(["info", "warning", "breaking"]),
    id: text,
    operation: text,
    path: text,
    operationId: text.optional(),
    text,
  })),
};
