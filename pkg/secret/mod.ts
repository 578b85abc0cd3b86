/** A value that must not be printed. Every way of turning it into text gives `[secret]`. */
export class Secret {
  readonly #value: string;

  constructor(value: string) {
    this.#value = value;
  }

  /** The value itself: call this where it is used, not where it is passed on. */
  reveal(): string {
    return this.#value;
  }

  toString(): string {
    return "[secret]";
  }

  toJSON(): string {
    return "[secret]";
  }

  [Symbol.for("Deno.customInspect")](): string {
    return "[secret]";
  }

  [Symbol.for("nodejs.util.inspect.custom")](): string {
    return "[secret]";
  }
}

/** 24 characters of base64 are 144 bits; of digits, 80. */
const LENGTH_MIN = 24;
/** As the frequencies of its characters say: `changemechangemechangeme` has 66, random characters of base64 twice as many. */
const BITS_MIN = 70;
const MAKE_ONE = '"openssl rand -hex 32"';

/**
 * The reason why a secret can be guessed, as the end of a sentence without the secret; `undefined` for a good one.
 *
 * @param because what can be done with it
 */
export function secretProblem(secret: Secret, because: string): string | undefined {
  const characters = [...secret.reveal()];
  if (characters.length < LENGTH_MIN) {
    return `must have at least ${LENGTH_MIN} characters: with it, ${because} (${MAKE_ONE})`;
  }
  if (bitsOf(characters) >= BITS_MIN) return undefined;
  return `must be random, and is made of too few different characters (${MAKE_ONE})`;
}

function bitsOf(characters: readonly string[]): number {
  const counts = new Map<string, number>();
  for (const each of characters) counts.set(each, (counts.get(each) ?? 0) + 1);
  return [...counts.values()].reduce((sum, count) => sum - count * Math.log2(count / characters.length), 0);
}
