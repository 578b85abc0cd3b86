import { networkInterfaces } from "node:os";
import { newSecretToken } from "../../../../../pkg/uid/mod.ts";

/** A URL of this machine, and whether it was asked for. */
export interface Listener {
  readonly address: string;
  readonly url: string;
  wasAsked(): boolean;
}

/** Listeners on the addresses of this machine. Dispose of them, or they stay. */
export interface Listeners extends AsyncDisposable {
  readonly all: readonly Listener[];
}

const LOOPBACK: readonly string[] = ["127.0.0.1", "::1"];
/** Of a machine with hundreds of container networks. */
const ADDRESSES_MAX = 256;

/**
 * Listens on a free port of each address of this machine, loopback included, at a path that cannot be guessed. Link-local IPv6
 * addresses are left out: they are valid on a link, whose name differs from machine to machine.
 */
export function openListeners(): Listeners {
  const found = Object.values(networkInterfaces()).flatMap((each) => each ?? []).map(({ address }) =>
    address
  );
  const addresses = new Set([...LOOPBACK, ...found.filter((each) => !/^fe[89ab]/i.test(each))]);
  const open = [...addresses].slice(0, ADDRESSES_MAX).flatMap((address) => listen(address) ?? []);
  return {
    all: open.map(({ listener }) => listener),
    async [Symbol.asyncDispose]() {
      await Promise.all(open.map(({ server }) => server.shutdown()));
    },
  };
}

interface OpenListener {
  readonly listener: Listener;
  readonly server: Deno.HttpServer<Deno.NetAddr>;
}

/** `undefined` for an address that has gone, or that the kernel does not offer, such as `::1` without IPv6. */
function listen(address: string): OpenListener | undefined {
  const path = `/${newSecretToken("probe")}`;
  let asked = false;
  const answer = ({ url }: Request): Response => {
    if (new URL(url).pathname === path) asked = true;
    return new Response(null, { status: 404, headers: { connection: "close" } });
  };
  try {
    const server = Deno.serve({ hostname: address, port: 0, onListen: () => undefined }, answer);
    const host = address.includes(":") ? `[${address}]` : address;
    const url = `http://${host}:${server.addr.port}${path}`;
    return { listener: { address, url, wasAsked: () => asked }, server };
  } catch {
    return undefined;
  }
}
