import { isIPv6 } from "node:net";

/** Bounds of a count. */
export interface CountLimits {
  /** Of all keys together. */
  readonly max: number;
  /** Of one key. */
  readonly perKeyMax: number;
}

/** The bound that is reached. */
export type Excess = "all" | "key";

/** Counts things that are there now, such as connections, by a key, such as a client: no key may have them all. */
export class SharedCount {
  readonly #limits: CountLimits;
  readonly #byKey = new Map<string, number>();
  #size = 0;

  constructor(limits: CountLimits) {
    this.#limits = limits;
  }

  get size(): number {
    return this.#size;
  }

  /** The number of one key. */
  of(key: string): number {
    return this.#byKey.get(key) ?? 0;
  }

  /**
   * Counts one more, unless a bound is reached.
   *
   * @param options.unbounded the key has no bound of its own, as that of a balancer in front of many clients
   * @returns the bound that is reached; then nothing was counted
   */
  take(key: string, { unbounded = false }: { readonly unbounded?: boolean } = {}): Excess | undefined {
    if (this.#size >= this.#limits.max) return "all";
    const own = this.of(key);
    if (!unbounded && own >= this.#limits.perKeyMax) return "key";
    this.#byKey.set(key, own + 1);
    this.#size++;
    return undefined;
  }

  /** Counts one less. */
  give(key: string): void {
    const own = this.#byKey.get(key);
    if (own === undefined) return;
    if (own === 1) this.#byKey.delete(key);
    else this.#byKey.set(key, own - 1);
    this.#size--;
  }
}

const GROUPS_OF_NETWORK = 4;
const GROUPS = 8;

/** The client that an address belongs to: the address itself, or the /64 network of IPv6, of which one client has all. */
export function networkOf(address: string): string {
  if (!address.includes(":")) return address;
  if (address.startsWith("::ffff:")) return address.slice("::ffff:".length);
  if (!isIPv6(address)) return address;
  const [plain = ""] = address.split("%", 1);
  const [before = "", after] = plain.split("::", 2);
  const first = groups(before);
  const last = groups(after ?? "");
  const zeros: string[] = Array(Math.max(0, GROUPS - first.length - last.length)).fill("0");
  const all = after === undefined ? first : [...first, ...zeros, ...last];
  return `${all.slice(0, GROUPS_OF_NETWORK).join(":")}::/64`;
}

function groups(text: string): string[] {
  return text === "" ? [] : text.split(":").map((each) => each.replace(/^0{1,3}(?=.)/, "").toLowerCase());
}
