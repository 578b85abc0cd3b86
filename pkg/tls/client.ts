import { fieldName } from "../config/mod.ts";
import { TLS_CLIENT_FIELDS, type TlsClientConfig } from "./fields.ts";
import { checkAuthorities, checkKeyPair, type NamedFile } from "./files.ts";
import { type FilesProcess, FollowedFiles } from "./followed.ts";

/** Calls over TLS, with the authorities and the certificate that the settings name. */
export interface TlsClient {
  /** `fetch`; a call takes the files of its time, and those that run go on with the former ones. */
  readonly fetch: typeof fetch;
  /** Reads the files again when they change, until `signal` aborts. */
  follow(signal: AbortSignal): Promise<void>;
  close(): void;
}

/**
 * Reads the files that the settings name; without any, calls are those of the runtime.
 *
 * @throws `failed_precondition` when a file cannot be used
 */
export async function openClientTls(config: TlsClientConfig, process: FilesProcess): Promise<TlsClient> {
  const { caFile, clientCertFile, clientKeyFile } = config;
  const authority = caFile === undefined
    ? undefined
    : { path: caFile, setting: fieldName(TLS_CLIENT_FIELDS.caFile) };
  const pair: readonly [NamedFile, NamedFile] | undefined =
    clientCertFile === undefined || clientKeyFile === undefined ? undefined : [
      { path: clientCertFile, setting: fieldName(TLS_CLIENT_FIELDS.clientCertFile) },
      { path: clientKeyFile, setting: fieldName(TLS_CLIENT_FIELDS.clientKeyFile) },
    ];
  if (authority === undefined && pair === undefined) {
    return { fetch, follow: () => Promise.resolve(), close: () => undefined };
  }
  const make = (
    texts: readonly string[],
  ): Deno.CreateHttpClientOptions & Partial<Deno.TlsCertifiedKeyPem> => {
    const [certificate = "", key = "", authorities] = pair === undefined ? ["", "", ...texts] : texts;
    const own = pair && checkKeyPair({ certificate, key }, { files: pair, nowMs: process.clock.now() });
    return {
      ...(authority === undefined ? {} : { caCerts: [checkAuthorities(authorities ?? "", authority)] }),
      ...(own === undefined ? {} : { cert: own.certificate, key: own.key }),
    };
  };
  const files = [...pair ?? [], ...authority === undefined ? [] : [authority]];
  const followed = await FollowedFiles.open({ files, make }, process);
  let client = Deno.createHttpClient(followed.value);
  return {
    fetch: (input, init) => fetch(input, { ...init, client }),
    follow: (signal) =>
      followed.follow((changed) => {
        const former = client;
        client = Deno.createHttpClient(changed);
        former.close();
      }, signal),
    close: () => client.close(),
  };
}
