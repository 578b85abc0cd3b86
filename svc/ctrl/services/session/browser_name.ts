/** In the order in which they are looked for: most browsers also name those that they resemble. */
const BROWSERS: readonly (readonly [RegExp, string])[] = [
  [/\bEdgA?\//, "Edge"],
  [/\bOPR\//, "Opera"],
  [/\bFirefox\//, "Firefox"],
  [/\b(Headless)?Chrom(e|ium)\//, "Chrome"],
  [/\bSafari\//, "Safari"],
];
const SYSTEMS: readonly (readonly [RegExp, string])[] = [
  [/\bAndroid\b/, "Android"],
  [/\b(iPhone|iPad)\b/, "iOS"],
  [/\bWindows\b/, "Windows"],
  [/\bMac OS X\b/, "macOS"],
  [/\bCrOS\b/, "ChromeOS"],
  [/\bLinux\b/, "Linux"],
];

/** The browser and its system by the header `User-Agent`, for people: any client can send any text, so none of it is kept. */
export function browserName(userAgent: string): string {
  const nameIn = (all: typeof BROWSERS): string | undefined =>
    all.find(([form]) => form.test(userAgent))?.[1];
  const system = nameIn(SYSTEMS);
  return (nameIn(BROWSERS) ?? "A browser") + (system === undefined ? "" : ` on ${system}`);
}
