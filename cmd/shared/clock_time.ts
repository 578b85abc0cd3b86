const MINUTE_MS = 60_000;

/**
 * The time of day as a clock on the wall shows it, e.g. `14:03:05`; with the date when that is another one than that of
 * `nowMs`.
 *
 * @param offsetMinutes of the place, ahead of UTC; default: this machine's
 */
export function clockTime(
  atMs: number,
  nowMs: number,
  offsetMinutes: number = -new Date(atMs).getTimezoneOffset(),
): string {
  const [date = "", time = ""] = placeTime(atMs, offsetMinutes);
  return date === placeTime(nowMs, offsetMinutes)[0] ? time : `${date} ${time}`;
}

function placeTime(atMs: number, offsetMinutes: number): readonly string[] {
  return new Date(atMs + offsetMinutes * MINUTE_MS).toISOString().slice(0, 19).split("T");
}
