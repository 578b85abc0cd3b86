/**
 * TLS between the parts of the platform: certificates, keys and authorities from files, which are checked at the start and
 * read again when they change.
 *
 * ```ts
 * const tls = await openServerTls(config, { clock, log });
 * const accept = tls?.acceptor({ handshakeMsMax, ready: (socket) => serve(socket) });
 * const trust = await openClientTls(config, { clock, log });
 * await trust.fetch("https://api.internal:7091/health/live");
 * ```
 *
 * @module
 */
export { openClientTls, type TlsClient } from "./client.ts";
export { explainTls } from "./explain.ts";
export {
  CA_FILE_FIELD,
  CLIENT_CA_FIELD,
  TLS_CLIENT_FIELDS,
  TLS_SERVER_FIELDS,
  type TlsClientConfig,
  tlsClientProblems,
  type TlsServerConfig,
  tlsServerProblems,
} from "./fields.ts";
export { readAuthorities } from "./files.ts";
export { isPlainToOthers, plainText, warnOfPlain } from "./plain.ts";
export { isVerifiedClient, openServerTls, type TlsServer } from "./server.ts";
