const SLASH = 0x2f;

/**
 * Orders paths as BuildKit's file synchronization demands: by the bytes of their UTF-8, with the slash before all others, so
 * that what is in a folder follows it at once.
 */
export function comparePaths(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let at = 0; at < length; at++) {
    const [left, right] = [a.charCodeAt(at), b.charCodeAt(at)];
    if (left !== right) return weight(left) - weight(right);
  }
  return a.length - b.length;
}

/** The surrogates of UTF-16 stand for characters behind all others, but have smaller codes than some. */
function weight(code: number): number {
  if (code === SLASH) return -1;
  if (code < 0xd800) return code;
  return code < 0xe000 ? code + 0x2000 : code - 0x800;
}
