/** HTTPS for names below `localhost`, by an authority of this machine that is made on request and kept. */
import {
  issueCertificate,
  type LocalAuthority,
  type LocalCertificate,
  makeAuthority,
} from "../../pkg/local_authority/mod.ts";
import type { Clock } from "../../pkg/clock/mod.ts";
import { type DataFolder, writePrivately } from "./data_folder.ts";

/** The authority in the data folder; a new one unless it is there with its key. */
export async function keptAuthority(
  { authority, authorityKey }: Pick<DataFolder, "authority" | "authorityKey">,
  clock: Pick<Clock, "now">,
): Promise<LocalAuthority> {
  const [certificatePem, privateKeyPem] = await Promise.all([
    readIfThere(authority),
    readIfThere(authorityKey),
  ]);
  if (certificatePem !== undefined && privateKeyPem !== undefined) return { certificatePem, privateKeyPem };
  const made = await makeAuthority({ nowMs: clock.now() });
  await writePrivately(authorityKey, made.privateKeyPem);
  await writePrivately(authority, made.certificatePem);
  return made;
}

/** Issues a certificate for a host name. */
export function issuerOf(
  authority: LocalAuthority,
  clock: Pick<Clock, "now">,
): (hostname: string) => Promise<LocalCertificate> {
  return (hostname) => issueCertificate(authority, { hostname, nowMs: clock.now() });
}

/** The command that makes this machine trust an authority. */
export function trustCommand(path: string, os: string): string {
  if (os === "darwin") {
    return `sudo security add-trusted-cert -d -r trustRoot -k /Library/Keychains/System.keychain ${path}`;
  }
  return `sudo cp ${path} /usr/local/share/ca-certificates/unkey.crt && sudo update-ca-certificates` +
    ` (browsers: certutil -d sql:$HOME/.pki/nssdb -A -t C,, -n unkey -i ${path})`;
}

async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await Deno.readTextFile(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}
