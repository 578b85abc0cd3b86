/** The line of an ignore file that matches this path and no other. */
export function ignoreLine(path: string): string {
  return path.replaceAll(/[*?[\]\\^|{}]|^[#!]/g, (char) => `\\${char}`).replaceAll(
    /^\s|\s$/g,
    (blank) => `[${blank}]`,
  );
}
