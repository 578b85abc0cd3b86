import { z } from "zod";
import { ipText, parseIp, type Subnet } from "./ipv4.ts";

/** The part that outlives the process. Times are of the clock, in milliseconds. */
const Book = z.object({
  subnet: z.string(),
  /** The address to try first; addresses are given out in turn. */
  next: z.number(),
  /** Everything may have been in use until then. */
  unknownUntilMs: z.number(),
  /** The containers of addresses. */
  held: z.record(z.string(), z.string()),
  /** When addresses were given back. */
  released: z.record(z.string(), z.number()),
});

type BookState = z.infer<typeof Book>;

function empty(): BookState {
  return { subnet: "", next: 0, unknownUntilMs: 0, held: {}, released: {} };
}

/**
 * An address is not given out again for so long after its last use, by when every edge has heard that it left. An edge
 * that is cut off for longer is behind by all other addresses of the subnet, too: they are given out in turn.
 */
export const REST_MS = 3_600_000;

/** The addresses of one subnet: who has them, and for how long the others must rest. */
export class AddressBook {
  #state: BookState;

  private constructor(state: BookState) {
    this.#state = state;
  }

  /** Reads what `text` returned; a broken text is an empty book. */
  static parse(text: string | undefined): AddressBook {
    try {
      return new AddressBook(Book.parse(JSON.parse(text ?? "")));
    } catch {
      return new AddressBook(empty());
    }
  }

  text(): string {
    return JSON.stringify(this.#state);
  }

  /** The subnet that the book is about; empty at first. */
  get subnet(): string {
    return this.#state.subnet;
  }

  /** Turns to a subnet. `isNew`: nothing has ever used it; else what the book does not know must rest. */
  open(subnet: string, isNew: boolean, nowMs: number): void {
    if (this.#state.subnet === subnet) return;
    const { held } = this.#state;
    this.#state = { ...empty(), held, subnet, unknownUntilMs: isNew ? 0 : nowMs + REST_MS };
  }

  /** Gives an address of `usable` to a container; `undefined` while all that are free must rest. */
  take(container: string, usable: Subnet, nowMs: number): string | undefined {
    const { held, released, unknownUntilMs } = this.#state;
    this.#forget(nowMs);
    if (nowMs < unknownUntilMs) {
      // A clock that was set back must not make the rest longer than it is.
      this.#state.unknownUntilMs = Math.min(unknownUntilMs, nowMs + REST_MS);
      return undefined;
    }
    const count = usable.last - usable.first + 1;
    const start = Math.max(usable.first, Math.min(usable.last, this.#state.next));
    for (let step = 0; step < count; step++) {
      const number = usable.first + (start - usable.first + step) % count;
      const address = ipText(number);
      if (address in held || address in released) continue;
      held[address] = container;
      this.#state.next = number === usable.last ? usable.first : number + 1;
      return address;
    }
    return undefined;
  }

  /** Takes an address back; it rests from now on. Harmless for addresses of others. */
  release(address: string, nowMs: number): void {
    if (!(address in this.#state.held)) return;
    delete this.#state.held[address];
    this.#state.released[address] = nowMs;
  }

  /** Compares with the addresses that containers have: an address without its container rests from now on. */
  recover(present: ReadonlyMap<string, string>, nowMs: number): void {
    for (const address of Object.keys(this.#state.held)) {
      if (!present.has(address)) this.release(address, nowMs);
    }
    for (const [address, container] of present) {
      if (parseIp(address) === undefined) continue;
      this.#state.held[address] = container;
      delete this.#state.released[address];
    }
  }

  #forget(nowMs: number): void {
    const { released } = this.#state;
    for (const [address, atMs] of Object.entries(released)) {
      // A clock that was set back must not keep it for ever.
      if (nowMs - atMs >= REST_MS || atMs > nowMs + REST_MS) delete released[address];
    }
  }
}
