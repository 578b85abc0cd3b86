/**
 * Certificates from a certificate authority that speaks ACME (RFC 8555), with renewal information (RFC 9773) and profiles.
 *
 * ```ts
 * const authority = openAuthority({ directoryUrl, clock });
 * const account = { key: newAccountKey(), url: undefined };
 * const registered = await authority.register(account, { email }, signal);
 * const order = await authority.placeOrder(account, { hostname: "shop.example.com" }, signal);
 * ```
 *
 * No call throws for what an authority may answer: each is an outcome. Signatures, nonces, account binding and CSRs are
 * those of `acme-client`; its transport is replaced, because it can neither be aborted nor bounded, and it turns a
 * problem document into a text. Nothing of the library is loaded before the first call.
 *
 * @module
 */
export { CircuitBreaker, type CircuitLimits } from "./breaker.ts";
export { type LeafCertificate, newPrivateKey, readChain, renewalId } from "./certificate.ts";
export {
  type Account,
  type Authority,
  type AuthorityOptions,
  type Challenge,
  type ChallengeType,
  type ExternalAccount,
  openAuthority,
  type OrderRequest,
  type OrderState,
  type OrderStatus,
} from "./authority.ts";
export { type Failure, type Outcome } from "./outcome.ts";
export { type RequestPace } from "./pace.ts";
export { type RenewalInfo, type RenewalWindow, renewAt } from "./renewal.ts";
export { parseRetryAfter } from "./retry_after.ts";
