import { counted } from "./texts.ts";

/** Columns that are kept of the beginning, and as many of the end. */
const KEPT = 2_048;
/** Columns of the beginning and of the end that stay on both sides of a mark; together at most 4,096 characters. */
const SHOWN = 2_000;
const SPACE = 0x20;

/**
 * One line of a terminal that is as wide as the line. Of a long line the beginning and the end are kept, in whatever
 * order they are written. A character takes one column.
 */
export class ScreenLine {
  /** The beginning, then a ring with the columns behind it. */
  readonly #cells = new Uint32Array(2 * KEPT);
  #column = 0;
  #length = 0;
  /** First column behind the beginning that is still known. */
  #known = KEPT;

  /** Where the next character goes; it can be behind the end. */
  get column(): number {
    return this.#column;
  }

  get length(): number {
    return this.#length;
  }

  moveTo(column: number): void {
    this.#column = Math.max(0, column);
  }

  write(code: number): void {
    if (this.#column > this.#length) this.#fill();
    this.#set(this.#column, code);
    this.#column++;
    this.#grow(this.#column);
  }

  /** Erases without moving; `before` includes the column at hand. */
  erase(part: "after" | "before" | "all"): void {
    if (part === "all") return this.#cut(0);
    if (part === "after") return this.#cut(Math.min(this.#column, this.#length));
    if (this.#column >= this.#length) return this.#cut(0);
    this.#blank(0, this.#column + 1);
  }

  /** Returns the text that is shown, and begins an empty line. */
  take(): string {
    const text = this.#show();
    this.#column = 0;
    this.#cut(0);
    return text;
  }

  #show(): string {
    const length = this.#length;
    if (length <= 2 * KEPT && this.#known === KEPT) return this.#slice(0, length);
    const tail = Math.max(this.#known, length - SHOWN);
    const missing = counted(tail - SHOWN, "character");
    return `${this.#slice(0, SHOWN)} ... ${missing} missing here ... ${this.#slice(tail, length)}`;
  }

  #slice(from: number, to: number): string {
    if (to <= KEPT) return String.fromCodePoint(...this.#cells.subarray(from, to));
    const codes = Array.from({ length: to - from }, (_, index) => this.#cells[cell(from + index)] ?? SPACE);
    return String.fromCodePoint(...codes);
  }

  /** Columns that the cursor jumped over are blank. */
  #fill(): void {
    const from = this.#length;
    this.#grow(this.#column);
    this.#blank(from, this.#column);
  }

  #blank(from: number, to: number): void {
    this.#cells.fill(SPACE, Math.min(from, KEPT), Math.min(to, KEPT));
    const start = Math.max(from, this.#known);
    if (start >= to) return;
    const [first, end] = [cell(start), cell(to - 1) + 1];
    if (first < end) this.#cells.fill(SPACE, first, end);
    else this.#cells.fill(SPACE, first).fill(SPACE, KEPT, end);
  }

  #set(column: number, code: number): void {
    if (column < KEPT || column >= this.#known) this.#cells[cell(column)] = code;
  }

  #grow(length: number): void {
    if (length <= this.#length) return;
    this.#length = length;
    this.#known = Math.max(this.#known, length - KEPT);
  }

  #cut(length: number): void {
    this.#length = length;
    if (length <= KEPT) this.#known = KEPT;
    else if (length < this.#known) this.#known = length;
  }
}

function cell(column: number): number {
  return column < KEPT ? column : KEPT + column % KEPT;
}
