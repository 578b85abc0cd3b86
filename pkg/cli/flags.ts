import { type Command as Commander, Option } from "commander";
import type { Field, FlagValue } from "../config/mod.ts";
import type { Fields } from "./command.ts";

type FlagValues = Map<string, FlagValue>;

/** Gives the command one option per setting that has a flag. */
export function addSettings(to: Commander, fields: Fields): void {
  for (const each of Object.values(fields)) {
    if (each.flag === undefined) continue;
    const value = each.placeholder === undefined ? "" : ` ${each.placeholder}`;
    const option = new Option(`--${each.flag}${value}`, each.help);
    if (each.repeated === true) option.argParser(appended);
    to.addOption(option);
    for (const { flag } of each.shorts ?? []) to.addOption(new Option(`--${flag}`));
  }
}

/** Not commander's own kind of repetition, which would take the words behind a value, too. */
function appended(value: string, before: unknown): readonly unknown[] {
  return Array.isArray(before) ? [...before, value] : [value];
}

/**
 * Takes `--switch=value` out of the words: a switch takes a value only in this form, so that the word after a plain
 * `--switch` stays what it is.
 */
export function splitSwitches(
  fields: Fields,
  args: readonly string[],
): { rest: readonly string[]; switches: FlagValues } {
  const names = new Set(Object.values(fields).flatMap(switchesOf));
  const end = args.indexOf("--");
  const switches: FlagValues = new Map();
  const rest = args.filter((word, index) => {
    const [, name, value] = /^--([a-z-]+)=(.*)$/s.exec(word) ?? [];
    if (name === undefined || value === undefined || !names.has(name) || (end >= 0 && index > end)) {
      return true;
    }
    switches.set(name, value);
    return false;
  });
  return { rest, switches };
}

/** The flags of a setting that take no value. */
function switchesOf({ flag, placeholder, shorts = [] }: Field<unknown>): readonly string[] {
  const own = flag !== undefined && placeholder === undefined ? [flag] : [];
  return [...own, ...shorts.map((short) => short.flag)];
}

/** The values that commander parsed, by the flag's own name. */
export function readFlags(fields: Fields, from: Commander, switches: FlagValues): FlagValues {
  const flags = new Map(switches);
  const values: Readonly<Record<string, unknown>> = from.opts();
  for (const flag of Object.values(fields).flatMap((each) => [each.flag ?? [], switchesOf(each)].flat())) {
    const option = from.options.find((each) => each.long === `--${flag}`);
    if (option === undefined) continue;
    const value = values[option.attributeName()];
    // Commander keeps `--no-input` as the negation of `input`.
    if (option.negate) {
      if (value === false) flags.set(flag, true);
    } else if (typeof value === "string" || typeof value === "boolean") flags.set(flag, value);
    else if (Array.isArray(value)) flags.set(flag, value.filter((each) => typeof each === "string"));
  }
  return flags;
}
