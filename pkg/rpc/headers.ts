import type { IncomingHttpHeaders } from "node:http";

/** The headers of a request, looked up where they are: only few of them are ever asked for. */
export class RequestHeaders implements Headers {
  readonly #own: IncomingHttpHeaders;
  #all: Headers | undefined;

  constructor(own: IncomingHttpHeaders) {
    this.#own = own;
  }

  get(name: string): string | null {
    if (this.#all !== undefined) return this.#all.get(name);
    const value = this.#own[name.toLowerCase()];
    return Array.isArray(value) ? value.join(", ") : value ?? null;
  }

  has(name: string): boolean {
    return this.get(name) !== null;
  }

  append(name: string, value: string): void {
    this.#copy().append(name, value);
  }

  delete(name: string): void {
    this.#copy().delete(name);
  }

  set(name: string, value: string): void {
    this.#copy().set(name, value);
  }

  getSetCookie(): string[] {
    return this.#copy().getSetCookie();
  }

  forEach(action: (value: string, name: string, parent: this) => void): void {
    for (const [name, value] of this) action(value, name, this);
  }

  entries(): ReturnType<Headers["entries"]> {
    return this.#copy().entries();
  }

  keys(): ReturnType<Headers["keys"]> {
    return this.#copy().keys();
  }

  values(): ReturnType<Headers["values"]> {
    return this.#copy().values();
  }

  [Symbol.iterator](): ReturnType<Headers["entries"]> {
    return this.entries();
  }

  #copy(): Headers {
    return this.#all ??= webHeaders(this.#own);
  }
}

/** The same headers as a copy; those of HTTP/2 that are no headers (`:path`) are left out. */
export function webHeaders(own: IncomingHttpHeaders): Headers {
  const headers = new Headers();
  for (const [name, value] of Object.entries(own)) {
    if (value === undefined || name.startsWith(":")) continue;
    for (const each of Array.isArray(value) ? value : [value]) headers.append(name, each);
  }
  return headers;
}
