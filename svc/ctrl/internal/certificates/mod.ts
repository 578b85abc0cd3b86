/**
 * Certificates of host names: wishes for them, and the sealing of their keys.
 *
 * ```ts
 * await requestCertificate({ db, clock, workflows }, { workspaceId, hostname: "shop.example.com" }, signal);
 * ```
 *
 * A wish is a row; the workflow `hydra.v1.CertificateService` fulfils it and keeps the certificate renewed until the wish is
 * cancelled. The caller has to know that the workspace may use the name.
 *
 * @module
 */
export { certificateHostname, isPublicSuffix, isWildcard, registeredDomain } from "./hostname.ts";
export {
  cancelCertificate,
  type CertificateWish,
  requestCertificate,
  type RequestDeps,
  requestInTransaction,
} from "./request.ts";
export { isLate } from "./late.ts";
export {
  openAccountKey,
  openCertificateKey,
  openOrderKey,
  sealAccountKey,
  sealCertificateKey,
  sealOrderKey,
} from "./seal.ts";

/** Owns the certificates of the platform's own names. No workspace of a user has this id. */
export const PLATFORM_WORKSPACE = "unkey_internal";
