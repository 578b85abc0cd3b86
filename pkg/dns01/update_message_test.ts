import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { isFault } from "../fault/mod.ts";
import { updateMessage, type UpdateSignature } from "./update_message.ts";

const record = { zone: "example.com", name: "_acme-challenge.example.com", value: "v-1" };
const signature: UpdateSignature = {
  keyName: "key.example",
  algorithm: "hmac-sha256",
  hash: "sha256",
  secret: new TextEncoder().encode("secret"),
  atMs: Date.UTC(2026, 0, 1) + 999,
};

/** Reads a message as RFC 1035 says, without any code of the writer. */
class Reader {
  at = 0;
  constructor(readonly bytes: Uint8Array) {}

  take(length: number): Uint8Array {
    assert.ok(this.at + length <= this.bytes.length, `${length} bytes at ${this.at}`);
    this.at += length;
    return this.bytes.subarray(this.at - length, this.at);
  }

  number(length: number): number {
    return this.take(length).reduce((sum, byte) => sum * 256 + byte, 0);
  }

  name(): string {
    const labels: string[] = [];
    for (let length = this.number(1); length > 0; length = this.number(1)) {
      labels.push(new TextDecoder().decode(this.take(length)));
    }
    return labels.join(".");
  }

  /** The name, type, class, time to live and data of a record. */
  record() {
    const [name, type, of, ttl] = [this.name(), this.number(2), this.number(2), this.number(4)];
    return { name, type, class: of, ttl, data: this.take(this.number(2)) };
  }
}

function head(reader: Reader) {
  const numbers = () => [1, 2, 3, 4].map(() => reader.number(2));
  const [id, flags, counts] = [reader.number(2), reader.number(2), numbers()];
  return { id, flags, counts, zone: [reader.name(), reader.number(2), reader.number(2)] };
}

/** The strings of a TXT record. */
function stringsOf(data: Uint8Array): string[] {
  const reader = new Reader(data);
  const strings: string[] = [];
  while (reader.at < data.length) strings.push(new TextDecoder().decode(reader.take(reader.number(1))));
  return strings;
}

Deno.test("an update names its zone, and one record to add or to take away", async (t) => {
  const TXT = 16;
  // RFC 2136, section 2.5: the class NONE and no time to live take one value away.
  for (const [change, inClass, ttl] of [["add", 1, 60], ["remove", 254, 0]] as const) {
    await t.step(change, () => {
      const reader = new Reader(updateMessage({ id: 0xabcd, change, record }, undefined));
      assert.deepEqual(head(reader), {
        id: 0xabcd,
        flags: 0x2800,
        counts: [1, 0, 1, 0],
        zone: ["example.com", 6, 1],
      });
      const { data, ...rest } = reader.record();
      assert.deepEqual(rest, { name: record.name, type: TXT, class: inClass, ttl });
      assert.deepEqual(stringsOf(data), ["v-1"]);
      assert.equal(reader.at, reader.bytes.length, "there is nothing behind it");
    });
  }
});

Deno.test("a value is written in strings of at most 255 bytes", async (t) => {
  const cases: readonly (readonly [string, readonly string[]])[] = [
    ["a".repeat(255), ["a".repeat(255)]],
    ["a".repeat(256), ["a".repeat(255), "a"]],
    ["a".repeat(510), ["a".repeat(255), "a".repeat(255)]],
  ];
  for (const [value, expected] of cases) {
    await t.step(`${value.length} bytes`, () => {
      const reader = new Reader(
        updateMessage({ id: 1, change: "add", record: { ...record, value } }, undefined),
      );
      head(reader);
      assert.deepEqual(stringsOf(reader.record().data), expected);
    });
  }
});

Deno.test("a signature covers the message and its own time, as RFC 8945 says", async (t) => {
  for (
    const [algorithm, hash, length] of [["hmac-sha256", "sha256", 32], ["hmac-sha512", "sha512", 64]] as const
  ) {
    await t.step(algorithm, () => {
      const update = { id: 0x0102, change: "add", record } as const;
      const bytes = updateMessage(update, { ...signature, algorithm, hash });
      const reader = new Reader(bytes);
      assert.deepEqual(head(reader).counts, [1, 0, 1, 1], "one additional record");
      reader.record();
      const { data, ...rest } = reader.record();
      assert.equal(reader.at, bytes.length);
      assert.deepEqual(rest, { name: "key.example", type: 250, class: 255, ttl: 0 });
      const fields = new Reader(data);
      assert.equal(fields.name(), algorithm);
      const times = fields.take(8);
      const time = new Reader(times);
      assert.deepEqual([time.number(6), time.number(2)], [Date.UTC(2026, 0, 1) / 1_000, 300]);
      const mac = fields.take(fields.number(2));
      assert.deepEqual([fields.number(2), fields.number(2), fields.number(2)], [0x0102, 0, 0]);
      // Section 4.3.3: the message without the record, then the record's variables.
      const name = (
        text: string,
      ) => [...text.split(".").flatMap((label) => [label.length, ...new TextEncoder().encode(label)]), 0];
      const variables = [
        ...name("key.example"),
        0,
        255,
        0,
        0,
        0,
        0,
        ...name(algorithm),
        ...times,
        0,
        0,
        0,
        0,
      ];
      const expected = createHmac(hash, signature.secret).update(updateMessage(update, undefined))
        .update(Uint8Array.from(variables)).digest();
      assert.equal(mac.length, length);
      assert.deepEqual([...mac], [...expected]);
    });
  }
});

/** The time has 48 bits; 32 of them end in 2106. */
Deno.test("a signature's time goes on after 32 bits", () => {
  const bytes = updateMessage({ id: 1, change: "add", record }, {
    ...signature,
    atMs: (2 ** 32 + 5) * 1_000,
  });
  const reader = new Reader(bytes);
  head(reader);
  reader.record();
  const fields = new Reader(reader.record().data);
  fields.name();
  assert.equal(fields.number(6), 2 ** 32 + 5);
});

Deno.test("names are written in lower case without a dot at the end, and what is none is refused", async (t) => {
  const nameOf = (name: string): string => {
    const reader = new Reader(
      updateMessage({ id: 1, change: "add", record: { ...record, name } }, undefined),
    );
    head(reader);
    return reader.record().name;
  };
  assert.equal(nameOf("_ACME-challenge.Example.com."), "_acme-challenge.example.com");
  assert.equal(nameOf(`${"a".repeat(63)}.com`), `${"a".repeat(63)}.com`);
  const long = `${"a".repeat(62)}.`.repeat(4);
  assert.equal(nameOf(`${long}b`), `${long}b`, "254 bytes of 255");
  const wrong = {
    "": "",
    "a dot": ".",
    "an empty label": "a..b",
    "a long label": "a".repeat(64),
    "256 bytes": `${long}bcd`,
  };
  for (const [what, name] of Object.entries(wrong)) {
    await t.step(
      what,
      () => assert.throws(() => nameOf(name), (error) => isFault(error, "invalid_argument")),
    );
  }
});
