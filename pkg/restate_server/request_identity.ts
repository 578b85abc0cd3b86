import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject } from "node:crypto";
import { dirname } from "node:path";
import { Fault } from "../fault/mod.ts";
import { writeWhole } from "../files/mod.ts";
import { base58 } from "../uid/mod.ts";

/**
 * The public key, in the form that workers take, of the private key in a file, which is made unless it is there. A Restate
 * server that has the file signs all that it sends to workers.
 *
 * @throws `failed_precondition` when the file holds no such key or cannot be written
 */
export async function requestIdentity(file: string): Promise<string> {
  try {
    const pem = await Deno.readTextFile(file).catch((error: unknown) => {
      if (error instanceof Deno.errors.NotFound) return undefined;
      throw error;
    });
    return publicName(createPrivateKey(pem ?? await makeKey(file)));
  } catch (cause) {
    const text =
      `${file} holds no Ed25519 key that can be used. Remove the file: another is made at the next start.`;
    throw new Fault("failed_precondition", text, { publicMessage: text, cause });
  }
}

async function makeKey(file: string): Promise<string> {
  const { privateKey } = generateKeyPairSync("ed25519");
  const pem = privateKey.export({ type: "pkcs8", format: "pem" }).toString();
  await Deno.mkdir(dirname(file), { recursive: true, mode: 0o700 });
  await writeWhole(file, pem);
  return pem;
}

function publicName(privateKey: KeyObject): string {
  if (privateKey.asymmetricKeyType !== "ed25519") throw new Fault("invalid_argument", "not an Ed25519 key");
  const { x = "" } = createPublicKey(privateKey).export({ format: "jwk" });
  return `publickeyv1_${base58(Uint8Array.fromBase64(x, { alphabet: "base64url" }))}`;
}
