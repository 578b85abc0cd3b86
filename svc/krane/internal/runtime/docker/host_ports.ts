import { Fault } from "../../../../../pkg/fault/mod.ts";

/**
 * Hands out ports of this machine. A port is fixed for the life of its container, so that an edge that is a moment behind
 * never reaches another app after a restart; ports are handed out in turn, so that a freed one rests for long.
 */
export class HostPorts {
  readonly #range: { readonly first: number; readonly last: number };
  readonly #address: string;
  #next: number;

  constructor(options: { first: number; last: number; address: string; start: number }) {
    this.#range = options;
    this.#address = options.address;
    this.#next = options.first + options.start % (options.last - options.first + 1);
  }

  /**
   * A port that no process listens on now.
   *
   * @throws `unavailable` when the whole range is taken
   */
  take(): number {
    const { first, last } = this.#range;
    for (let tried = first; tried <= last; tried++) {
      const port = this.#next;
      this.#next = port === last ? first : port + 1;
      if (isFree(this.#address, port)) return port;
    }
    throw new Fault("unavailable", `no free port between ${first} and ${last}`, {
      publicMessage:
        `All ports between ${first} and ${last} are taken: widen --host-ports (UNKEY_KRANE_HOST_PORTS).`,
    });
  }
}

function isFree(hostname: string, port: number): boolean {
  try {
    Deno.listen({ hostname, port }).close();
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.AddrInUse) return false;
    // The engine runs elsewhere and this address is not ours: it will say whether the port is free.
    return true;
  }
}
