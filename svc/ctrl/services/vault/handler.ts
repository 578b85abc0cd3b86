import type { ServiceImpl } from "@connectrpc/connect";
import type { VaultService } from "../../../../proto/gen/vault/v1/vault_pb.ts";
import { decryptText, decryptTexts, reEncryptText } from "./decrypt.ts";
import { encryptText, encryptTexts, type VaultDeps } from "./encrypt.ts";
import type { NamedText } from "./limits.ts";

/** Adapts the vault to `vault.v1.VaultService`. */
export function vaultHandlers(deps: VaultDeps): ServiceImpl<typeof VaultService> {
  return {
    liveness: () => ({ status: "ok" }),
    encrypt: ({ keyring, name, data }) => encryptText(deps, keyring, { name, text: data }),
    async decrypt({ keyring, name, encrypted }) {
      return { plaintext: await decryptText(deps, keyring, { name, text: encrypted }) };
    },
    reEncrypt: ({ keyring, name, encrypted }) => reEncryptText(deps, keyring, { name, text: encrypted }),
    async encryptBulk({ keyring, items, idsAreNames }) {
      return { items: Object.fromEntries(await encryptTexts(deps, keyring, textsOf(items, idsAreNames))) };
    },
    async decryptBulk({ keyring, items, idsAreNames }) {
      return { items: Object.fromEntries(await decryptTexts(deps, keyring, textsOf(items, idsAreNames))) };
    },
  };
}

function textsOf(
  items: Readonly<Record<string, string>>,
  idsAreNames: boolean,
): ReadonlyMap<string, NamedText> {
  return new Map(
    Object.entries(items).map(([id, text]) => [id, { name: idsAreNames ? id : "", text }]),
  );
}
