/**
 * Names of environment variables that every runtime of an app takes.
 *
 * ```ts
 * variableNameProblem("spring.datasource.url"); // undefined
 * variableNameProblem("1A"); // "must not begin with a digit: Kubernetes before 1.32 leaves such variables out"
 * ```
 *
 * Docker takes nearly any name. Kubernetes keeps the variables in a Secret, whose keys are the tighter limit.
 *
 * @module
 */

/** Characters of a key of a Kubernetes Secret. */
export const VARIABLE_NAME_CHARACTERS_MAX = 253;

/** The rule that a name breaks, as the end of a sentence; `undefined` for a name that can be used. */
export function variableNameProblem(name: string): string | undefined {
  if (name === "") return "must not be empty";
  if (name.includes("=")) return 'must not contain "=", which ends a name';
  if (!/^[A-Za-z0-9._-]*$/.test(name)) return "must be letters, digits, underscores, dots and hyphens";
  if (/^[0-9]/.test(name)) {
    return "must not begin with a digit: Kubernetes before 1.32 leaves such variables out";
  }
  if (name === "." || name.startsWith("..")) {
    return 'must not be "." or begin with "..": no key of a Kubernetes Secret does';
  }
  if (name === "__proto__") return 'must not be "__proto__", which JavaScript keeps for itself';
  if (name.length > VARIABLE_NAME_CHARACTERS_MAX) {
    return `must have at most ${VARIABLE_NAME_CHARACTERS_MAX} characters, as keys of a Kubernetes Secret`;
  }
  return undefined;
}
