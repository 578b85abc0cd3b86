/** The words of a command line, as a shell takes simple ones apart: blanks, and quotes around words with blanks. */

/** `undefined` for a quote without an end, or no word at all. */
export function splitWords(text: string): readonly string[] | undefined {
  const words: string[] = [];
  let word: string | undefined;
  let quote = "";
  for (let at = 0; at < text.length; at++) {
    const character = text[at] ?? "";
    if (quote !== "") {
      if (character === quote) quote = "";
      else if (character === "\\" && quote === '"' && /["\\]/.test(text[at + 1] ?? "")) {
        word += text[++at] ?? "";
      } else word += character;
    } else if (character === '"' || character === "'") {
      [quote, word] = [character, word ?? ""];
    } else if (/\s/.test(character)) {
      if (word !== undefined) words.push(word);
      word = undefined;
    } else {
      // Behind the last character there is nothing that a backslash could escape: it stands for itself.
      const isEscape = character === "\\" && at + 1 < text.length;
      word = (word ?? "") + (isEscape ? text[++at] ?? "" : character);
    }
  }
  if (word !== undefined) words.push(word);
  return quote !== "" || words.length === 0 ? undefined : words;
}

/** The text that `splitWords` takes apart into `words`. */
export function joinWords(words: readonly string[]): string {
  return words.map((word) =>
    /^[A-Za-z0-9_@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'"'"'`)}'`
  )
    .join(" ");
}
