import { byteLength, invalid, optionalText } from "../../internal/validate/mod.ts";

/** Visible ASCII: databases do not agree on whether spaces at the end count. */
const KEYRING = /^[\x21-\x7e]{1,255}$/;
const NAME_CHARACTERS_MAX = 512;
const TEXT_BYTES_MAX = 64 * 1024;
const ITEMS_MAX = 500;
const ITEMS_BYTES_MAX = 1024 * 1024;
/** Base64 makes four characters of three bytes; the rest is the head of a ciphertext. */
const CIPHERTEXT_CHARACTERS_MAX = TEXT_BYTES_MAX * 4 / 3 + 1_024;

/** A text, and the name it is bound to. */
export interface NamedText {
  readonly name: string;
  readonly text: string;
}

export function checkKeyring(keyring: string): void {
  if (!KEYRING.test(keyring)) throw invalid("keyring", "must be 1 to 255 visible ASCII characters", keyring);
}

/** Does not tell the text. */
export function checkPlaintext(field: string, { name, text }: NamedText): void {
  optionalText("name", name, NAME_CHARACTERS_MAX);
  if (byteLength(text) > TEXT_BYTES_MAX) throw invalid(field, `must have at most ${TEXT_BYTES_MAX} bytes`);
  if (!text.isWellFormed()) throw invalid(field, "must be well-formed Unicode");
}

export function checkCiphertext(field: string, { name, text }: NamedText): void {
  optionalText("name", name, NAME_CHARACTERS_MAX);
  if (text.length > CIPHERTEXT_CHARACTERS_MAX) {
    throw invalid(field, `must have at most ${CIPHERTEXT_CHARACTERS_MAX} characters`);
  }
}

export function checkItems(items: ReadonlyMap<string, NamedText>): void {
  if (items.size > ITEMS_MAX) throw invalid("items", `must hold at most ${ITEMS_MAX} texts`);
  let bytes = 0;
  for (const { text } of items.values()) bytes += byteLength(text);
  if (bytes > ITEMS_BYTES_MAX) throw invalid("items", `must have at most ${ITEMS_BYTES_MAX} bytes together`);
}
