import { field, integerSchema } from "../../../../pkg/config/mod.ts";

/** Times and shares of custom domains. */
export const DOMAIN_CHECK_FIELDS = {
  domainVerifyDays: field({
    flag: "domain-verify-days",
    env: "UNKEY_DOMAIN_VERIFY_DAYS",
    placeholder: "<days>",
    help: "How long the records of a custom domain are looked for before it fails, until a user retries it.",
    schema: integerSchema(7, 1, 90),
  }),
  domainLostDays: field({
    flag: "domain-lost-days",
    env: "UNKEY_DOMAIN_LOST_DAYS",
    placeholder: "<days>",
    help: "How long a verified custom domain is served after the record that proved it has gone.",
    schema: integerSchema(3, 1, 90),
  }),
  domainCertificatesMax: field({
    flag: "domain-certificates-max",
    env: "UNKEY_DOMAIN_CERTIFICATES_MAX",
    placeholder: "<count>",
    help: "Most custom domains of a workspace that get their first certificate within 7 days.",
    schema: integerSchema(50, 1, 10_000),
  }),
};
