/** A rule between settings: a text per problem. */
export type Rule<C> = (config: C) => readonly string[];
/** Rules of a command. Each is applied by itself, so that a setting which is wrong hides no other problem. */
export type Rules<C> = Rule<C> | readonly Rule<C>[];

/** Ends a rule that reads a setting without a value. */
class NoValue extends Error {}

/** A text per problem of all rules, but for those that read a setting in `broken`. */
export function problemsOf<C extends object>(
  rules: Rules<C>,
  config: C,
  broken: ReadonlySet<string> = new Set(),
): readonly string[] {
  const given = broken.size === 0 ? config : withoutBroken(config, broken);
  return (typeof rules === "function" ? [rules] : rules).flatMap((rule) => {
    try {
      return rule(given);
    } catch (error) {
      if (error instanceof NoValue) return [];
      throw error;
    }
  });
}

function withoutBroken<C extends object>(config: C, broken: ReadonlySet<string>): C {
  return new Proxy(config, {
    get(target, key): unknown {
      if (typeof key === "string" && broken.has(key)) throw new NoValue(key);
      return Reflect.get(target, key);
    },
  });
}
