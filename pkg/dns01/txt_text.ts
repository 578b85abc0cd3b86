/** TXT values as providers write them: one or several texts in quotes (RFC 1035, section 5.1). */

/** The value in quotes. */
export function quoteTxt(value: string): string {
  return `"${value.replaceAll(/["\\]/g, "\\$&")}"`;
}

/** The value of a written one: texts in quotes belong together, `\"` is a quote, and `\042` one as a number. */
export function readTxt(written: string): string {
  const texts = [...written.matchAll(/"((?:[^"\\]|\\.)*)"/gs)].map(([, text = ""]) => text);
  const joined = texts.length === 0 ? written : texts.join("");
  return joined.replaceAll(
    /\\(\d{3}|.)/gs,
    (_all, escaped: string) =>
      /^\d{3}$/.test(escaped) ? String.fromCharCode(Number.parseInt(escaped, 8)) : escaped,
  );
}
