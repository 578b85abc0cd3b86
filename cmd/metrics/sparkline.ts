/** A value at a moment. */
export interface Sample {
  readonly at: number;
  readonly value: number;
}

const BARS = "▁▂▃▄▅▆▇█";
const NOTHING = "·";

/**
 * Bars for `width` equal parts of a time: the highest value of each, as a share of the highest of all. A dot is a part without
 * a sample.
 */
export function sparkline(
  samples: readonly Sample[],
  { from, until, width }: { readonly from: number; readonly until: number; readonly width: number },
): string {
  const highest = Array.from({ length: width }, (): number | undefined => undefined);
  for (const { at, value } of samples) {
    const part = Math.min(
      width - 1,
      Math.max(0, Math.floor((at - from) / Math.max(1, until - from) * width)),
    );
    highest[part] = Math.max(highest[part] ?? 0, value);
  }
  const most = Math.max(0, ...samples.map(({ value }) => value));
  return highest.map((value) => {
    if (value === undefined) return NOTHING;
    const bar = most === 0 ? 0 : Math.ceil(value / most * BARS.length) - 1;
    return BARS[Math.max(0, bar)] ?? NOTHING;
  }).join("");
}
