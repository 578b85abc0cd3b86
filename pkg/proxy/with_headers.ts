import type { LinkUser, RequestPart, UpstreamLink } from "./link.ts";
import type { HeaderField, Upstream } from "./types.ts";

/** A link to which requests go with other fields than those that they came with. */
export class LinkWithHeaders implements UpstreamLink {
  readonly #link: UpstreamLink;
  readonly #headers: readonly HeaderField[];

  constructor(link: UpstreamLink, headers: readonly HeaderField[]) {
    this.#link = link;
    this.#headers = headers;
  }

  get upstream(): Upstream {
    return this.#link.upstream;
  }

  get used(): boolean {
    return this.#link.used;
  }

  get untouched(): boolean {
    return this.#link.untouched;
  }

  open(user: LinkUser): void {
    this.#link.open(user);
  }

  send({ start, ...part }: RequestPart): boolean {
    const headers = this.#headers;
    return this.#link.send({ ...part, start: start && { ...start, head: { ...start.head, headers } } });
  }

  pause(): void {
    this.#link.pause();
  }

  resume(): void {
    this.#link.resume();
  }

  release(whole: boolean): void {
    this.#link.release(whole);
  }
}
