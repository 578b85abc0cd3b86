/** The lines of a long list that are in the document: those that can be seen, and some around them. */

/** In pixels; the style sheet has the same. */
export const LINE_HEIGHT = 20;
const AROUND = 20;

export interface Window {
  readonly first: number;
  /** Behind the last one. */
  readonly end: number;
}

/** The lines of a list of `count` that is scrolled to `top` in a box of `height` pixels. */
export function visibleLines(top: number, height: number, count: number): Window {
  const first = Math.max(0, Math.min(count, Math.floor(top / LINE_HEIGHT) - AROUND));
  const end = Math.min(count, Math.ceil((top + height) / LINE_HEIGHT) + AROUND);
  return { first, end: Math.max(first, end) };
}

/** True when the last line can be seen. */
export function isAtEnd(top: number, height: number, total: number): boolean {
  return top + height >= total - LINE_HEIGHT;
}

/** Where a box that is scrolled to `top` has to be scrolled to, so that a line can be seen. */
export function placeInView(index: number, top: number, height: number): number {
  const [begin, end] = [index * LINE_HEIGHT, (index + 1) * LINE_HEIGHT];
  return begin < top ? begin : end > top + height ? end - height : top;
}
