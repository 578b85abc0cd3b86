import { isIPv4, isIPv6 } from "node:net";

/** A name server by its address. */
export interface Server {
  readonly address: string;
  readonly port: number;
}

export const DNS_PORT = 53;
const PORT_MAX = 65_535;

/** `host:port` or an address; `undefined` when the text is neither. */
export function serverOf(text: string): Server | undefined {
  const [, bracketed, plain, port] = /^(?:\[([0-9a-f:]+)\]|([0-9.]+))(?::(\d{1,5}))?$/i.exec(text) ?? [];
  const isAddress = bracketed === undefined ? isIPv4(plain ?? "") : isIPv6(bracketed);
  const number = port === undefined ? DNS_PORT : Number(port);
  if (!isAddress || number === 0 || number > PORT_MAX) return undefined;
  return { address: bracketed ?? plain ?? "", port: number };
}
