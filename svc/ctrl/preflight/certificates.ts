import { X509Certificate } from "node:crypto";
import { readFile } from "node:fs/promises";
import { z } from "zod";
import type { Clock } from "../../../pkg/clock/mod.ts";
import { fieldName } from "../../../pkg/config/mod.ts";
import { silentLogger } from "../../../pkg/logger/mod.ts";
import { failed, ok, type Probe, warning } from "../../../pkg/preflight/mod.ts";
import {
  CA_FILE_FIELD,
  openClientTls,
  openServerTls,
  TLS_SERVER_FIELDS,
  type TlsServerConfig,
} from "../../../pkg/tls/mod.ts";
import { CERTIFICATE_FIELDS } from "../worker/config/certificates.ts";

const DAY_MS = 24 * 3_600_000;
const DAYS_MIN = 14;
const Directory = z.object({ newNonce: z.string(), newAccount: z.string(), newOrder: z.string() });

/** Reads the certificate of the process's own port, its key and its authorities; `undefined` without TLS. */
export function tlsProbe(config: TlsServerConfig, clock: Clock): Probe | undefined {
  const { tlsCertFile } = config;
  if (tlsCertFile === undefined) return undefined;
  return {
    subject: "certificate",
    advice: `Give files in PEM with ${fieldName(TLS_SERVER_FIELDS.tlsCertFile)} and ${
      fieldName(TLS_SERVER_FIELDS.tlsKeyFile)
    }.`,
    async ask() {
      await openServerTls(config, { clock, log: silentLogger() });
      const { validTo, subject } = new X509Certificate(await readFile(tlsCertFile));
      const days = Math.floor((Date.parse(validTo) - clock.now()) / DAY_MS);
      const text = `${subject.replaceAll("\n", ", ")} is valid for ${days} more days.`;
      return days < DAYS_MIN ? warning(text, "Renew it; the file is read again when it changes.") : ok(text);
    },
  };
}

/** Reads the authority for certificates of other parts; `undefined` when none is set. */
export function authorityProbe(caFile: string | undefined, clock: Clock): Probe | undefined {
  if (caFile === undefined) return undefined;
  return {
    subject: "authority file",
    advice: `Give a file in PEM with ${fieldName(CA_FILE_FIELD.caFile)}.`,
    async ask() {
      (await openClientTls({ caFile }, { clock, log: silentLogger() })).close();
      return ok(`The authority in ${caFile} is trusted.`);
    },
  };
}

export interface AuthoritySettings {
  readonly acmeDirectoryUrl: readonly string[];
  readonly acmeCaFile: string | undefined;
}

/** Reads the directory of a certificate authority, one probe each. */
export function acmeProbes({ acmeDirectoryUrl, acmeCaFile }: AuthoritySettings): readonly Probe[] {
  const setting = fieldName(CERTIFICATE_FIELDS.acmeDirectoryUrl);
  return acmeDirectoryUrl.map((url) => ({
    subject: `certificate authority ${new URL(url).host}`,
    advice: `Check ${setting}, and that this machine reaches the authority; a private one needs ${
      fieldName(CERTIFICATE_FIELDS.acmeCaFile)
    }.`,
    async ask(signal) {
      const caCerts = acmeCaFile === undefined ? [] : [await Deno.readTextFile(acmeCaFile)];
      using client = Deno.createHttpClient({ caCerts });
      const answer = await fetch(url, { signal, client });
      const parsed = Directory.safeParse(answer.ok ? await answer.json() : await answer.body?.cancel());
      if (parsed.success) return ok(`${url} answers.`);
      return failed(`${url} is no directory of an ACME authority (${answer.status}).`, `Correct ${setting}.`);
    },
  }));
}
