import { Buffer } from "node:buffer";
import { randomBytes, scrypt, timingSafeEqual } from "node:crypto";
import { Fault } from "../../../../pkg/fault/mod.ts";

export const PASSWORD_CHARACTERS_MIN = 8;
export const PASSWORD_BYTES_MAX = 256;

/**
 * N = 2^14, r = 8, p = 5: 16 MiB and as much work as OWASP's cheat sheet on password storage asks for. Many small ones at a time
 * must not fill an api's memory.
 */
const LOG_N = 14;
const BLOCKS = 8;
const PARALLEL = 5;
const HASH_BYTES = 32;
const SALT_BYTES = 16;
const STORED = /^scrypt\$([0-9]{1,2})\$([0-9]{1,2})\$([0-9]{1,2})\$([A-Za-z0-9_-]{22})\$([A-Za-z0-9_-]{43})$/;

interface Cost {
  readonly logN: number;
  readonly blocks: number;
  readonly parallel: number;
}

/** The stored form: the cost and the salt with the hash, so that a later release can raise the cost. */
export async function hashPassword(password: string): Promise<string> {
  const salt = randomBytes(SALT_BYTES);
  const cost = { logN: LOG_N, blocks: BLOCKS, parallel: PARALLEL };
  const hash = await derive(password, salt, cost);
  const texts = [salt, hash].map((bytes) => Buffer.from(bytes).toString("base64url"));
  return ["scrypt", LOG_N, BLOCKS, PARALLEL, ...texts].join("$");
}

/** True for the password that the hash was made from. Takes tens of milliseconds. @throws `internal` for another text than a hash */
export async function isPassword(password: string, stored: string): Promise<boolean> {
  const [, logN, blocks, parallel, salt = "", hash = ""] = STORED.exec(stored) ?? [];
  if (logN === undefined) throw new Fault("internal", "a stored password has another form");
  const cost = { logN: Number(logN), blocks: Number(blocks), parallel: Number(parallel) };
  const found = await derive(password, Buffer.from(salt, "base64url"), cost);
  return timingSafeEqual(found, Buffer.from(hash, "base64url"));
}

/** Not on the thread that serves calls. A browser may send a letter with an accent in one form or in another. */
function derive(password: string, salt: Uint8Array, { logN, blocks, parallel }: Cost): Promise<Uint8Array> {
  const options = { N: 2 ** logN, r: blocks, p: parallel, maxmem: 2 ** logN * blocks * 256 };
  return new Promise((resolve, reject) => {
    scrypt(password.normalize("NFKC"), salt, HASH_BYTES, options, (error, key) => {
      if (error === null) resolve(key);
      else reject(error);
    });
  });
}
