/** Switches: `--json`, and what they mean as text and in a variable. */
import type { Field, Short } from "./field.ts";

/** True or false as text; `undefined` for anything else. */
export function parseSwitch(text: string): boolean | undefined {
  if (/^(1|true|yes|on)$/i.test(text)) return true;
  if (/^(0|false|no|off)$/i.test(text)) return false;
  return undefined;
}

/** True for a switch that was given as true; `onProblem` gets a text for other words than those for true and false. */
export function isOn({ flag, env }: Short, given: unknown, onProblem: (text: string) => void): boolean {
  if (typeof given !== "string" || given === "") return given === true;
  const parsed = parseSwitch(given);
  if (parsed === undefined) onProblem(`--${flag} (${env}) must be true or false`);
  return parsed === true;
}

/** The explanation of a switch. */
export function shortHelp(field: Field<unknown>, { value }: Short): string {
  return `The same as --${field.flag} ${value}.`;
}
