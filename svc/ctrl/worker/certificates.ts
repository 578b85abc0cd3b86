/** Opens what the settings of certificates name. */
import { openAuthority } from "../../../pkg/acme/mod.ts";
import type { Clock } from "../../../pkg/clock/mod.ts";
import { fieldName, Secret } from "../../../pkg/config/mod.ts";
import { describeError, Fault } from "../../../pkg/fault/mod.ts";
import type { Logger } from "../../../pkg/logger/mod.ts";
import type { Vault } from "../../../pkg/vault/mod.ts";
import type { ChangeNotifier } from "../internal/changes/mod.ts";
import type { CtrlDatabase } from "../internal/store/mod.ts";
import { Authorities } from "./certificate/authorities.ts";
import type { CertificateDeps } from "./certificate/deps.ts";
import { limitsOf, paceOf } from "./certificate/limits.ts";
import { openDns } from "./dns.ts";
import { CERTIFICATE_FIELDS } from "./config/certificates.ts";
import type { WorkerConfig } from "./config/config.ts";

export interface CertificateParts {
  readonly db: CtrlDatabase;
  readonly clock: Clock;
  readonly log: Logger;
  readonly changes: ChangeNotifier;
  readonly vault: Vault | undefined;
}

/** `undefined` when the settings name no authority. @throws `invalid_argument` when a file cannot be read */
export async function openCertificates(
  config: WorkerConfig,
  { db, clock, log, changes, vault }: CertificateParts,
): Promise<CertificateDeps | undefined> {
  if (config.acmeDirectoryUrl.length === 0 || vault === undefined) return undefined;
  const trusted = await trustedOf(config.acmeCaFile);
  const accounts = config.acmeExternalAccounts?.reveal().split(",") ?? [];
  const all = config.acmeDirectoryUrl.map((directoryUrl, index) => ({
    authority: openAuthority({
      directoryUrl,
      clock,
      trusted,
      externalAccount: externalAccountOf(accounts[index]?.trim() ?? ""),
      profile: config.acmeProfile,
      pace: paceOf(directoryUrl),
    }),
    limits: limitsOf(directoryUrl),
  }));
  const authorities = new Authorities(all, { db, clock, vault, email: config.acmeEmail });
  return { db, clock, log, vault, changes, authorities, records: openDns(config, clock) };
}

function externalAccountOf(text: string): { readonly keyId: string; readonly hmacKey: Secret } | undefined {
  const [keyId, key] = text.split(":");
  return keyId === undefined || key === undefined ? undefined : { keyId, hmacKey: new Secret(key) };
}

async function trustedOf(path: string | undefined): Promise<readonly string[]> {
  if (path === undefined) return [];
  try {
    return [await Deno.readTextFile(path)];
  } catch (error) {
    const text = `${fieldName(CERTIFICATE_FIELDS.acmeCaFile)} cannot be read: ${describeError(error)}`;
    throw new Fault("invalid_argument", text, { publicMessage: text, cause: error });
  }
}
