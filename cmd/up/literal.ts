import { type ConfigOf, type Field, loadConfig } from "../../pkg/config/mod.ts";
import { Fault } from "../../pkg/fault/mod.ts";

/**
 * A part's settings from values that are written in code, by the names of their variables; the rest are defaults. The
 * environment of this process is not looked at.
 *
 * @throws `internal` for a name that the part does not have
 */
export function literalConfig<F extends Record<string, Field<unknown>>>(
  fields: F,
  values: Readonly<Record<string, string>>,
): ConfigOf<F> {
  const known = new Set(Object.values(fields).map((each) => each.env));
  const unknown = Object.keys(values).filter((name) => !known.has(name));
  if (unknown.length > 0) throw new Fault("internal", `no such setting: ${unknown.join(", ")}`);
  return loadConfig(fields, {
    flags: new Map(),
    env: (name) => values[name],
    readFile: (path) => {
      throw new Fault("internal", `no setting here is a file: ${path}`);
    },
  });
}
