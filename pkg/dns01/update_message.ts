/** The wire form of one dynamic update with a signature (RFC 2136, RFC 8945). */
import { createHmac } from "node:crypto";
import { Fault } from "../fault/mod.ts";
import { TTL_SECONDS, type TxtRecord } from "./provider.ts";

const OPCODE_UPDATE = 5 << 11;
const [TYPE_SOA, TYPE_TXT, TYPE_TSIG] = [6, 16, 250];
const [CLASS_IN, CLASS_NONE, CLASS_ANY] = [1, 254, 255];
const FUDGE_SECONDS = 300;
const LABEL_BYTES_MAX = 63;
const NAME_BYTES_MAX = 255;
const STRING_BYTES_MAX = 255;

export interface UpdateSignature {
  readonly keyName: string;
  /** E.g. `hmac-sha256`. */
  readonly algorithm: string;
  /** The name of the hash for node:crypto. */
  readonly hash: string;
  readonly secret: Uint8Array;
  readonly atMs: number;
}

export interface Update {
  readonly id: number;
  readonly change: "add" | "remove";
  readonly record: TxtRecord;
}

/** A message that adds or removes one value. */
export function updateMessage(update: Update, signature: UpdateSignature | undefined): Uint8Array {
  const { record, change } = update;
  const isAdd = change === "add";
  const data = textData(record.value);
  const body = concat(
    ...[name(record.zone), number16(TYPE_SOA), number16(CLASS_IN)],
    ...[name(record.name), number16(TYPE_TXT), number16(isAdd ? CLASS_IN : CLASS_NONE)],
    ...[number32(isAdd ? TTL_SECONDS : 0), number16(data.length), data],
  );
  const unsigned = concat(header(update.id, 0), body);
  if (signature === undefined) return unsigned;
  return concat(header(update.id, 1), body, signatureRecord(unsigned, update.id, signature));
}

function header(id: number, additional: number): Uint8Array {
  return concat(number16(id), number16(OPCODE_UPDATE), ...[1, 0, 1, additional].map(number16));
}

function signatureRecord(message: Uint8Array, id: number, signature: UpdateSignature): Uint8Array {
  const { keyName, algorithm, hash, secret, atMs } = signature;
  const seconds = Math.floor(atMs / 1_000);
  const time = concat(
    number16(Math.floor(seconds / 2 ** 32)),
    number32(seconds % 2 ** 32),
    number16(FUDGE_SECONDS),
  );
  const noError = concat(number16(0), number16(0));
  const variables = concat(name(keyName), number16(CLASS_ANY), number32(0), name(algorithm), time, noError);
  const mac = createHmac(hash, secret).update(message).update(variables).digest();
  const data = concat(name(algorithm), time, number16(mac.length), mac, number16(id), noError);
  return concat(
    name(keyName),
    number16(TYPE_TSIG),
    number16(CLASS_ANY),
    number32(0),
    number16(data.length),
    data,
  );
}

/** @throws `invalid_argument` when the text is no name */
function name(text: string): Uint8Array {
  const labels = text.toLowerCase().replace(/\.$/, "").split(".");
  const parts = labels.map((label) => {
    const bytes = new TextEncoder().encode(label);
    if (bytes.length === 0 || bytes.length > LABEL_BYTES_MAX) throw noName(text);
    return concat(new Uint8Array([bytes.length]), bytes);
  });
  const whole = concat(...parts, new Uint8Array([0]));
  if (whole.length > NAME_BYTES_MAX) throw noName(text);
  return whole;
}

function noName(text: string): Fault {
  return new Fault("invalid_argument", `"${text.slice(0, 80)}" is not a name of the DNS`);
}

function textData(value: string): Uint8Array {
  const bytes = new TextEncoder().encode(value);
  const parts: Uint8Array[] = [];
  for (let start = 0; start < bytes.length; start += STRING_BYTES_MAX) {
    const part = bytes.subarray(start, start + STRING_BYTES_MAX);
    parts.push(new Uint8Array([part.length]), part);
  }
  return concat(...parts);
}

function number16(value: number): Uint8Array {
  return new Uint8Array([value >>> 8 & 0xff, value & 0xff]);
}

function number32(value: number): Uint8Array {
  return concat(number16(Math.floor(value / 65_536)), number16(value % 65_536));
}

export function concat(...parts: readonly Uint8Array[]): Uint8Array {
  const all = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}
