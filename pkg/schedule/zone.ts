/** The clock of a place: its difference from UTC, which may change twice a year. */

const HOUR_MS = 3_600_000;
/** No clock has been set by more than a day at once. */
const CHANGE_MS_MAX = 25 * HOUR_MS;

/** A time zone of the IANA database, e.g. `Europe/Berlin`. Times of its clocks are written as if they were UTC. */
export interface Zone {
  /** The milliseconds by which clocks are ahead of UTC at that instant. */
  aheadMs(atMs: number): number;
  /** The first instant in `(fromMs, toMs]` at which clocks are set, in a time of a few days; `undefined`: there is none. */
  changeIn(fromMs: number, toMs: number): number | undefined;
  /**
   * The instant at which clocks show this time: the first one, when they show it twice, and the one at which they are set
   * forward, when they never show it.
   */
  instantOf(wallMs: number): number;
}

/** @throws `RangeError` for a name that is not known */
export function openZone(name: string): Zone {
  const format = new Intl.DateTimeFormat("en-US", {
    timeZone: name,
    hourCycle: "h23",
    year: "numeric",
    month: "numeric",
    day: "numeric",
    hour: "numeric",
    minute: "numeric",
    second: "numeric",
  });
  const aheadMs = (atMs: number): number => {
    const shown: Partial<Record<Intl.DateTimeFormatPartTypes, number>> = {};
    for (const { type, value } of format.formatToParts(atMs)) shown[type] = Number(value);
    const { year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = shown;
    return Date.UTC(year, month - 1, day, hour, minute, second) - Math.floor(atMs / 1_000) * 1_000;
  };
  const changeIn = (fromMs: number, toMs: number): number | undefined => {
    const before = aheadMs(fromMs);
    if (aheadMs(toMs) === before) return undefined;
    let [low, high] = [fromMs, toMs];
    while (high - low > 1) {
      const middle = Math.floor((low + high) / 2);
      if (aheadMs(middle) === before) low = middle;
      else high = middle;
    }
    return high;
  };
  return {
    aheadMs,
    changeIn,
    instantOf(wallMs) {
      const [fromMs, toMs] = [wallMs - CHANGE_MS_MAX, wallMs + CHANGE_MS_MAX];
      const found = [aheadMs(fromMs), aheadMs(toMs)].map((ahead) => wallMs - ahead)
        .filter((atMs) => atMs + aheadMs(atMs) === wallMs);
      return found.length > 0 ? Math.min(...found) : changeIn(fromMs, toMs) ?? wallMs;
    },
  };
}
