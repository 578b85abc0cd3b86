import type { Socket } from "node:net";
import type { ProxyOptions } from "./types.ts";

/** A client's connection, ready for HTTP. */
export interface ClientPeer {
  readonly socket: Socket;
  /** The client's, also behind a balancer that tells it. */
  readonly address: string;
  /** "https" over TLS. */
  readonly scheme: "http" | "https";
  /** Breaks the connection off so that the client notices. */
  readonly abort: () => void;
}

/** A connection of a client, for the one who accepted it. */
export interface ClientSide {
  /** Ends what has waited too long. */
  sweep(nowMs: number): void;
  /** Ends the connection as soon as nothing runs on it. */
  retire(): void;
  /** Ends the connection now if nothing runs on it or has begun to come; false when something does. */
  yield(): boolean;
  /** Ends the connection now. */
  destroy(): void;
}

/** An IPv4 address as such, also when the socket speaks IPv6. */
export function plainAddress(address: string): string {
  return address.startsWith("::ffff:") ? address.slice("::ffff:".length) : address;
}

/** The value of `Strict-Transport-Security` for responses to a client; `undefined` in clear text, where it means nothing. */
export function strictTransportFor(
  { strictTransport }: Pick<ProxyOptions, "strictTransport">,
  { scheme }: Pick<ClientPeer, "scheme">,
): string | undefined {
  return scheme === "https" ? strictTransport : undefined;
}
