import { Secret } from "../../../pkg/config/mod.ts";
import { sha256Hex } from "../../../pkg/hash/mod.ts";

/**
 * What signs the URLs of a folder of build contexts when no key is set. Api and worker derive the same one from the same
 * master keys; it says nothing about them.
 */
export function filesSigningKey(masterKeys: Secret): Secret {
  return new Secret(sha256Hex(`unkey build files\n${masterKeys.reveal()}`));
}
