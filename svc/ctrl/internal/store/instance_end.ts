import { z } from "zod";

const End = z.object({ reason: z.string(), message: z.string(), exitCode: z.number(), atMs: z.number() });

/** The end of one run of an instance. */
export type InstanceEnd = z.infer<typeof End>;

/** The form of the column `last_end`. */
export function encodeEnd(end: InstanceEnd): string {
  return JSON.stringify(end);
}

/** @throws when another program has written the column */
export function decodeEnd(text: string): InstanceEnd {
  return End.parse(JSON.parse(text));
}
