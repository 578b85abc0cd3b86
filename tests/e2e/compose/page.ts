/** A page of the documentation as the commands that it tells its reader to run. */

/** The `sh` blocks of a page, by the heading that they are under. */
export class CommandPage {
  readonly #blocks: readonly { readonly heading: string; readonly text: string }[];
  readonly #taken = new Set<number>();

  constructor(markdown: string) {
    const blocks = [];
    let heading = "";
    for (const [, title, text] of markdown.matchAll(/^## (.+)$|^```sh\n([\s\S]*?)^```$/gm)) {
      if (title !== undefined) heading = title;
      else if (text !== undefined) blocks.push({ heading, text });
    }
    this.#blocks = blocks;
  }

  /** The next block under the heading that was not taken yet. */
  take(heading: string): string {
    const at = this.#blocks.findIndex((block, index) => block.heading === heading && !this.#taken.has(index));
    const block = this.#blocks[at];
    if (block === undefined) throw new Error(`the page has no further commands under "${heading}"`);
    this.#taken.add(at);
    return block.text;
  }

  /** Headings of blocks that were not taken. */
  get left(): readonly string[] {
    return this.#blocks.flatMap(({ heading }, index) => this.#taken.has(index) ? [] : [heading]);
  }
}
