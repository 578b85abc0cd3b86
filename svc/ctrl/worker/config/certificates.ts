/** Certificate authorities, and the names that the platform itself has: settings of `ctrl worker`. */
import {
  type ConfigOf,
  field,
  fieldName,
  listSchema,
  secretField,
  textSchema,
} from "../../../../pkg/config/mod.ts";

const EMAIL = /^[^\s@]{1,64}@[^\s@]{1,189}$/;

export const CERTIFICATE_FIELDS = {
  acmeDirectoryUrl: field({
    flag: "acme-directory-url",
    env: "UNKEY_ACME_DIRECTORY_URL",
    placeholder: "<url,...>",
    help:
      "Directories of certificate authorities (ACME), e.g. https://acme-v02.api.letsencrypt.org/directory. The next " +
      "one is asked when one does not answer or limits orders. Without any there are no certificates.",
    schema: listSchema([]).refine((urls) => urls.every(isDirectoryUrl), {
      message: "must be URLs with https, or with http on a loopback address",
    }),
  }),
  acmeEmail: field({
    flag: "acme-email",
    env: "UNKEY_ACME_EMAIL",
    placeholder: "<address>",
    help: "Address at which authorities reach the operator.",
    schema: textSchema().refine((email) => email === undefined || EMAIL.test(email), {
      message: "must be an e-mail address",
    }),
  }),
  acmeProfile: field({
    flag: "acme-profile",
    env: "UNKEY_ACME_PROFILE",
    placeholder: "<name>",
    help: 'Profile of certificates, e.g. "shortlived", at authorities that have it.',
    schema: textSchema(),
  }),
  acmeCaFile: field({
    flag: "acme-ca-file",
    env: "UNKEY_ACME_CA_FILE",
    placeholder: "<path>",
    help: "Certificates in PEM that connections to authorities trust too; for a private authority.",
    schema: textSchema(),
  }),
  acmeExternalAccounts: secretField({
    env: "UNKEY_ACME_EXTERNAL_ACCOUNTS",
    help:
      "Credentials for authorities that want an account made elsewhere (EAB), as <key id>:<HMAC key in base64url>; one per " +
      "directory, in their order, with commas between them, and nothing for one that needs none.",
    required: false,
  }),
};

type CertificateConfig = ConfigOf<typeof CERTIFICATE_FIELDS>;

/** A text per setting that does not fit the others. */
export function certificateProblems(
  config: CertificateConfig & { readonly vaultMasterKeys: unknown },
): readonly string[] {
  const { acmeDirectoryUrl, acmeExternalAccounts, vaultMasterKeys } = config;
  const directories = fieldName(CERTIFICATE_FIELDS.acmeDirectoryUrl);
  const problems: string[] = [];
  if (acmeDirectoryUrl.length > 0 && vaultMasterKeys === undefined) {
    problems.push(
      `UNKEY_VAULT_MASTER_KEYS is required with ${directories}: keys of certificates are sealed with them`,
    );
  }
  const accounts = acmeExternalAccounts?.reveal().split(",").map((account) => account.trim()) ?? [];
  if (accounts.length > acmeDirectoryUrl.length) {
    problems.push(`UNKEY_ACME_EXTERNAL_ACCOUNTS has more entries than ${directories}`);
  }
  if (accounts.some((account) => account !== "" && !/^[^:]+:[A-Za-z0-9_=-]+$/.test(account))) {
    problems.push("UNKEY_ACME_EXTERNAL_ACCOUNTS must have entries like <key id>:<key in base64url>");
  }
  return problems;
}

function isDirectoryUrl(text: string): boolean {
  const url = URL.parse(text);
  if (url === null) return false;
  return url.protocol === "https:" ||
    url.protocol === "http:" && /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(url.hostname);
}
