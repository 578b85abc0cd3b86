import type { StopNote } from "../deployments/stop_note.ts";

/** Reads the column `stop_note`, which only `moveStatus` writes, from typed values. */
export function decodeStopNote(json: string | null): StopNote | undefined {
  return json === null ? undefined : JSON.parse(json) as StopNote;
}
