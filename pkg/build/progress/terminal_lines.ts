import { ByteText } from "./byte_text.ts";
import { ScreenLine } from "./screen_line.ts";

/** Characters of an operating system command (a title, a link) after which its end is not waited for any more. */
const COMMAND_CHARACTERS_MAX = 8_192;
const PARAMETER_MAX = 1_000_000;

type State = "text" | "escape" | "charset" | "csi" | "command";

/**
 * Cuts the bytes of one output stream into lines as a terminal shows them: a carriage return begins the line again,
 * backspaces and erase sequences are followed, colours and other control characters are left out, tabs stay. Time is
 * linear in the input, and memory is bounded by one line of 4,096 characters.
 */
export class TerminalLines {
  readonly #text = new ByteText();
  readonly #line = new ScreenLine();
  #state: State = "text";
  /** First parameter of the control sequence at hand; -1 without one. */
  #parameter = -1;
  #firstParameter = true;
  #commandLength = 0;
  /** The line has begun, although it shows nothing yet. */
  #begun = false;

  /** The lines that end in `bytes`. */
  push(bytes: Uint8Array): string[] {
    return this.#take(this.#text.push(bytes));
  }

  /** The rest of the stream, complete or not. */
  end(): string[] {
    const lines = this.#take(this.#text.end());
    const rest = this.#line.take();
    if (rest !== "") lines.push(rest);
    this.#begun = false;
    this.#state = "text";
    return lines;
  }

  #take(text: string): string[] {
    const lines: string[] = [];
    let at = 0;
    while (at < text.length) {
      const newline = text.indexOf("\n", at);
      const end = newline < 0 ? text.length : newline;
      const plain = newline < 0 || this.#begun ? undefined : plainLine(text, at, end);
      if (plain !== undefined) {
        lines.push(plain);
      } else {
        this.#write(text, at, end);
        if (newline >= 0) lines.push(this.#line.take());
        this.#begun = newline < 0;
      }
      if (newline >= 0) this.#state = "text";
      at = end + 1;
    }
    return lines;
  }

  #write(text: string, from: number, to: number): void {
    for (let at = from; at < to; at++) {
      const code = text.codePointAt(at) ?? 0;
      if (code > 0xffff) at++;
      this.#character(code);
    }
  }

  #character(code: number): void {
    if (code === ESCAPE) {
      this.#state = "escape";
      return;
    }
    switch (this.#state) {
      case "text":
        return this.#shown(code);
      case "escape":
        return this.#escape(code);
      case "charset":
        this.#state = "text";
        return;
      case "csi":
        return this.#csi(code);
      case "command":
        // Otherwise ESC \ ends it; so does any other sequence, and the end of the line.
        if (code === BELL || code === STRING_END || ++this.#commandLength > COMMAND_CHARACTERS_MAX) {
          this.#state = "text";
        }
        return;
    }
  }

  #shown(code: number): void {
    if (code === TAB || (code >= SPACE && code < DELETE) || code > CONTROLS_END) this.#line.write(code);
    else if (code === RETURN) this.#line.moveTo(0);
    else if (code === BACKSPACE) this.#line.moveTo(this.#line.column - 1);
  }

  #escape(code: number): void {
    this.#state = "text";
    const sign = String.fromCodePoint(code);
    if (sign === "[") {
      this.#state = "csi";
      this.#parameter = -1;
      this.#firstParameter = true;
    } else if ("]PX^_".includes(sign)) {
      this.#state = "command";
      this.#commandLength = 0;
    } else if ("()*+-./#%".includes(sign) || code === SPACE) {
      this.#state = "charset";
    } else if (code < SPACE) {
      this.#shown(code);
    }
  }

  #csi(code: number): void {
    if (code >= DIGIT_0 && code <= DIGIT_9) {
      if (!this.#firstParameter) return;
      this.#parameter = Math.min(PARAMETER_MAX, Math.max(0, this.#parameter) * 10 + code - DIGIT_0);
    } else if (code >= SPACE && code < CSI_FINAL) {
      if (code === SEMICOLON) this.#firstParameter = false;
    } else {
      this.#state = "text";
      if (code < SPACE) this.#shown(code);
      else this.#command(String.fromCodePoint(code), this.#parameter);
    }
  }

  #command(final: string, parameter: number): void {
    const line = this.#line;
    const count = Math.max(1, parameter);
    if (final === "K") line.erase(parameter === 2 ? "all" : parameter === 1 ? "before" : "after");
    else if (final === "G") line.moveTo(Math.min(count - 1, line.length));
    else if (final === "D") line.moveTo(line.column - count);
    else if (final === "C") line.moveTo(Math.min(line.column + count, Math.max(line.column, line.length)));
  }
}

const BELL = 0x07;
const BACKSPACE = 0x08;
const TAB = 0x09;
const RETURN = 0x0d;
const ESCAPE = 0x1b;
const SPACE = 0x20;
const DIGIT_0 = 0x30;
const DIGIT_9 = 0x39;
const SEMICOLON = 0x3b;
const CSI_FINAL = 0x40;
const DELETE = 0x7f;
const STRING_END = 0x9c;
const CONTROLS_END = 0x9f;
/** A line that may need a mark in its middle is not plain. */
const PLAIN_LENGTH_MAX = 4_096;

/** The line from `from` to `to` when nothing in it has to be interpreted. */
function plainLine(text: string, from: number, to: number): string | undefined {
  const end = to > from && text.charCodeAt(to - 1) === RETURN ? to - 1 : to;
  if (end - from > PLAIN_LENGTH_MAX) return undefined;
  for (let at = from; at < end; at++) {
    const code = text.charCodeAt(at);
    if ((code < SPACE && code !== TAB) || (code >= DELETE && code <= CONTROLS_END)) return undefined;
  }
  return text.slice(from, end);
}
