/** The values that were given to a setting, and where each comes from. */
import type { Field, Sources } from "./field.ts";
import { isOn } from "./shorts.ts";

/** The place of a value. */
export type Origin =
  | { readonly kind: "flag" }
  | { readonly kind: "variable"; readonly name: string }
  /** The variable names a file that holds the secret. */
  | { readonly kind: "secret_file"; readonly name: string; readonly path: string }
  /** A line of the file of settings. */
  | { readonly kind: "file"; readonly path: string; readonly line: number | undefined };

/** One value. */
export interface Given {
  readonly value: string | boolean;
  readonly origin: Origin;
}

/**
 * The value that holds, or nothing; of a repeated setting all values, those that go before others last.
 *
 * @param onProblem gets a text for a secret whose file cannot be read, and for a switch that is neither true nor false
 */
export function givenValues(
  field: Field<unknown>,
  sources: Sources,
  onProblem: (text: string) => void = () => undefined,
): readonly Given[] {
  const places = [
    () => ofFile(field, sources),
    () => ofVariable(field, sources, onProblem),
    () => ofFlag(field, sources, onProblem),
  ];
  if (field.repeated === true) return places.flatMap((place) => place());
  for (const place of places.reverse()) {
    const [found] = place();
    if (found !== undefined) return [found];
  }
  return field.secret ? ofSecretFile(field, sources, onProblem) : [];
}

/** The switches that stand for a value come behind the setting's own flag. */
function ofFlag(
  { flag, shorts = [] }: Field<unknown>,
  { flags }: Sources,
  onProblem: (text: string) => void,
): readonly Given[] {
  const own = flag === undefined ? undefined : flags.get(flag);
  const short = shorts.find((each) => isOn(each, flags.get(each.flag), onProblem))?.value;
  return [own ?? [], short ?? []].flat().map((value) => ({ value, origin: { kind: "flag" } }));
}

function ofVariable(
  { env: name, repeated, shorts = [] }: Field<unknown>,
  { env }: Sources,
  onProblem: (text: string) => void,
): readonly Given[] {
  const text = env(name) ?? "";
  const values = repeated === true ? text.split("\n").map((line) => line.trim()) : [text];
  const own = values.filter((value) => value !== "").map((value) => ({ value, name }));
  const short = shorts.filter((each) => isOn(each, env(each.env), onProblem)).map(({ value, env }) => ({
    value,
    name: env,
  }));
  return [...own, ...short].map(({ value, name }) => ({ value, origin: { kind: "variable", name } }));
}

function ofFile({ file: key }: Field<unknown>, { file }: Sources): readonly Given[] {
  const value = key === undefined ? undefined : file?.value(key);
  if (key === undefined || file === undefined || value === undefined) return [];
  const origin = { kind: "file", path: file.path, line: file.lineOf(key) } as const;
  return (typeof value === "object" ? value : [value]).map((each) => ({ value: each, origin }));
}

function ofSecretFile(
  { env: name }: Field<unknown>,
  { env, readFile }: Sources,
  onProblem: (text: string) => void,
): readonly Given[] {
  const path = env(`${name}_FILE`) ?? "";
  if (path === "") return [];
  try {
    return [{ value: readFile(path).trim(), origin: { kind: "secret_file", name: `${name}_FILE`, path } }];
  } catch {
    onProblem(`${name}_FILE names a file that cannot be read: ${path}`);
    return [];
  }
}
