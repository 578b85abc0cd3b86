import { fieldName } from "../config/mod.ts";
import { CA_FILE_FIELD } from "./fields.ts";

/** The runtime's words for a certificate that it does not take, and the same for a user. */
const REASONS: readonly (readonly [words: RegExp, text: string])[] = [
  [
    /invalid peer certificate: (UnknownIssuer|BadSignature|CaUsedAsEndEntity)/,
    "the server's certificate is not of an authority that is trusted here. Give that authority's certificate with " +
    `${fieldName(CA_FILE_FIELD.caFile)}`,
  ],
  [
    /invalid peer certificate: (Expired|certificate expired)/,
    "the server's certificate has expired. It has to be renewed there; if it is valid, correct the clock of this machine",
  ],
  [
    /invalid peer certificate: (NotValidForName|certificate not valid for name)/,
    "the server's certificate is not for this name. Use a URL with a name that it has, or have it made for this one",
  ],
  [
    /received corrupt message of type InvalidContentType/,
    "the server does not speak TLS on this port. Use http://, or give the server a certificate",
  ],
  [
    /invalid HTTP version parsed/,
    "what came back is not HTTP. If the server speaks TLS on this port, use https://",
  ],
];

/** The text for a failed handshake, without a full stop at its end; `undefined` for other failures. */
export function explainTls(message: string): string | undefined {
  return REASONS.find(([words]) => words.test(message))?.[1];
}
