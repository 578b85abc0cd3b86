/** The text of a search: words as they stand, in any case. */
import { type Probe, probesOf, wordsOf } from "./word_filter.ts";

export interface SearchText {
  /** The filter of a matching line has all of these bits; none when no filter can tell. */
  readonly probes: readonly Probe[];
  readonly matches: (line: string) => boolean;
}

/** Long words are rare ones: a few of them leave little to read. */
const WORDS_MAX = 4;
const WORD_CHARACTER = /[\p{L}\p{N}]/u;

/**
 * Matches lines that contain the text in any case, where no word of it is a part of a longer one: `time` finds "time-out" and
 * not "timeout". A `*` at the end takes longer words, too: `time*`.
 */
export function searchText(given: string): SearchText {
  const isOpen = given.endsWith("*");
  const wanted = (isOpen ? given.slice(0, -1) : given).toLowerCase();
  const all = wordsOf(wanted);
  const [head, tail] = [startsInWord(wanted, 0), isWordBefore(wanted, wanted.length)];
  // The last word may be the beginning of another one, which no filter holds.
  const words = isOpen && tail ? all.slice(0, -1) : all;
  return {
    probes: words.toSorted((a, b) => b.length - a.length).slice(0, WORDS_MAX).flatMap(probesOf),
    matches(line): boolean {
      const lower = line.toLowerCase();
      for (let at = lower.indexOf(wanted); at >= 0; at = lower.indexOf(wanted, at + 1)) {
        const end = at + wanted.length;
        const cutsHead = head && isWordBefore(lower, at);
        const cutsTail = tail && !isOpen && startsInWord(lower, end);
        if (!cutsHead && !cutsTail) return true;
      }
      return false;
    },
  };
}

function startsInWord(text: string, at: number): boolean {
  const code = text.codePointAt(at);
  return code !== undefined && WORD_CHARACTER.test(String.fromCodePoint(code));
}

function isWordBefore(text: string, at: number): boolean {
  const unit = text.charCodeAt(at - 1);
  // The second half of a character of two code units.
  const isLow = unit >= 0xdc00 && unit <= 0xdfff;
  return at > 0 && startsInWord(text, isLow ? at - 2 : at - 1);
}
