import type { Process } from "./process.ts";

/** Colours of standard error; the text as it is where colour is not wanted. */
export interface Paint {
  readonly red: (text: string) => string;
  readonly green: (text: string) => string;
  readonly yellow: (text: string) => string;
  readonly cyan: (text: string) => string;
  readonly dim: (text: string) => string;
  readonly bold: (text: string) => string;
}

const PLAIN: Paint = { red: same, green: same, yellow: same, cyan: same, dim: same, bold: same };
const COLOURED: Paint = {
  red: sgr(31, 39),
  green: sgr(32, 39),
  yellow: sgr(33, 39),
  cyan: sgr(36, 39),
  dim: sgr(2, 22),
  bold: sgr(1, 22),
};

/** The colours that this process' standard error takes. */
export function paint(process: Pick<Process, "terminal">): Paint {
  return process.terminal.colour ? COLOURED : PLAIN;
}

function same(text: string): string {
  return text;
}

function sgr(on: number, off: number): (text: string) => string {
  return (text) => `\x1b[${on}m${text}\x1b[${off}m`;
}
