import assert from "node:assert/strict";
import { decodeAsGo } from "./go_text.ts";

const CASES: Readonly<Record<string, readonly [bytes: readonly number[], text: string]>> = {
  "plain text": [[0x61, 0x62], "ab"],
  "a byte order mark": [[0xef, 0xbb, 0xbf, 0x61], "\ufeffa"],
  "characters of two, three and four bytes": [[0xc3, 0xa9, 0xe2, 0x82, 0xac, 0xf0, 0x9f, 0x98, 0x80], "é€😀"],
  "a character that is cut off": [[0x2a, 0xe2, 0x82], "*\ufffd\ufffd"],
  "one that is cut off before another": [[0xe2, 0x82, 0x61], "\ufffd\ufffda"],
  "bytes that begin nothing": [[0xff, 0x80, 0x61], "\ufffd\ufffda"],
  "a longer form than needed": [[0xc0, 0xaf], "\ufffd\ufffd"],
  "a surrogate": [[0xed, 0xa0, 0x80], "\ufffd\ufffd\ufffd"],
  "the replacement character itself, beside a wrong byte": [[0xef, 0xbf, 0xbd, 0xff], "\ufffd\ufffd"],
  "nothing": [[], ""],
};

Deno.test("decodeAsGo() makes one replacement of each byte that belongs to no character", async (t) => {
  for (const [name, [bytes, text]] of Object.entries(CASES)) {
    await t.step(name, () => assert.equal(decodeAsGo(new Uint8Array(bytes)), text));
  }
});
