import { type ConfigOf, field, fieldName, textSchema } from "../config/mod.ts";

/** Settings of a port that takes TLS when it is given a certificate. */
export const TLS_SERVER_FIELDS = {
  tlsCertFile: field({
    flag: "tls-cert-file",
    env: "UNKEY_TLS_CERT_FILE",
    placeholder: "<path>",
    help: "Certificate with its chain, in PEM. With it the port takes TLS 1.3 and nothing else. " +
      "The file is read again when it changes.",
    schema: textSchema(),
  }),
  tlsKeyFile: field({
    flag: "tls-key-file",
    env: "UNKEY_TLS_KEY_FILE",
    placeholder: "<path>",
    help: "Private key of that certificate, in PEM.",
    schema: textSchema(),
  }),
};

/** For a server that agents and edges call. */
export const CLIENT_CA_FIELD = {
  tlsClientCaFile: field({
    flag: "tls-client-ca-file",
    env: "UNKEY_TLS_CLIENT_CA_FILE",
    placeholder: "<path>",
    help:
      "Authority of client certificates, in PEM. With it agents and edges must show a certificate of it, " +
      "beside their token; commands of users and sentinels need none.",
    schema: textSchema(),
  }),
};

/** For everything that calls a server with a certificate of an authority of one's own. */
export const CA_FILE_FIELD = {
  caFile: field({
    flag: "ca-file",
    env: "UNKEY_CA_FILE",
    placeholder: "<path>",
    help:
      "Authority to trust for the control plane's certificate, in PEM, beside those that are trusted anyway.",
    schema: textSchema(),
  }),
};

/** The same, for parts that may be asked for a certificate. */
export const TLS_CLIENT_FIELDS = {
  ...CA_FILE_FIELD,
  clientCertFile: field({
    flag: "client-cert-file",
    env: "UNKEY_CLIENT_CERT_FILE",
    placeholder: "<path>",
    help: "Certificate to show to a control plane that asks for one, with its chain, in PEM.",
    schema: textSchema(),
  }),
  clientKeyFile: field({
    flag: "client-key-file",
    env: "UNKEY_CLIENT_KEY_FILE",
    placeholder: "<path>",
    help: "Private key of that certificate, in PEM.",
    schema: textSchema(),
  }),
};

export type TlsServerConfig =
  & ConfigOf<typeof TLS_SERVER_FIELDS>
  & Partial<ConfigOf<typeof CLIENT_CA_FIELD>>;
export type TlsClientConfig = Partial<ConfigOf<typeof TLS_CLIENT_FIELDS>>;

/** A text per setting of a server that lacks another one. */
export function tlsServerProblems(config: TlsServerConfig): readonly string[] {
  const { tlsCertFile, tlsKeyFile } = TLS_SERVER_FIELDS;
  const problems = pairProblems(
    { name: fieldName(tlsCertFile), value: config.tlsCertFile },
    { name: fieldName(tlsKeyFile), value: config.tlsKeyFile },
  );
  if (config.tlsClientCaFile === undefined || config.tlsCertFile !== undefined) return problems;
  const clients = fieldName(CLIENT_CA_FIELD.tlsClientCaFile);
  return [...problems, `${fieldName(tlsCertFile)} is required with ${clients}`];
}

/** The same of a client. */
export function tlsClientProblems(config: TlsClientConfig): readonly string[] {
  const { clientCertFile, clientKeyFile } = TLS_CLIENT_FIELDS;
  return pairProblems(
    { name: fieldName(clientCertFile), value: config.clientCertFile },
    { name: fieldName(clientKeyFile), value: config.clientKeyFile },
  );
}

interface Given {
  readonly name: string;
  readonly value: string | undefined;
}

function pairProblems(certificate: Given, key: Given): readonly string[] {
  if ((certificate.value === undefined) === (key.value === undefined)) return [];
  const [missing, given] = certificate.value === undefined ? [certificate, key] : [key, certificate];
  return [`${missing.name} is required with ${given.name}`];
}
