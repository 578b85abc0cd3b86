import type { Secret } from "../../../../pkg/config/mod.ts";

/** 24 characters of base64 are 144 bits; of digits, 80. */
const LENGTH_MIN = 24;
/** As the frequencies of its characters say: `changemechangemechangeme` has 66, random characters of base64 twice as many. */
const BITS_MIN = 70;
const MAKE_ONE = '"openssl rand -hex 32"';

/** Why a service token can be guessed, as the end of a sentence that does not tell it; `undefined` for a good one. */
export function serviceTokenProblem(token: Secret): string | undefined {
  const characters = [...token.reveal()];
  if (characters.length < LENGTH_MIN) {
    return `must have at least ${LENGTH_MIN} characters: with it, everything of everybody can be read and changed ` +
      `(${MAKE_ONE})`;
  }
  if (bitsOf(characters) >= BITS_MIN) return undefined;
  return `must be random, and is made of too few different characters (${MAKE_ONE})`;
}

function bitsOf(characters: readonly string[]): number {
  const counts = new Map<string, number>();
  for (const each of characters) counts.set(each, (counts.get(each) ?? 0) + 1);
  return [...counts.values()].reduce((sum, count) => sum - count * Math.log2(count / characters.length), 0);
}
