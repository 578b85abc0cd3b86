/** The chart's `values.yaml` and its schema. */
import { Document, isPair, isScalar, type Pair, visit } from "yaml";
import type { Setting } from "./sources.ts";
import { CONFIG_KEYS, type Schema, SWITCHES, VALUES } from "./values.ts";

interface Shown {
  /** By the value's key. */
  readonly defaults: ReadonlyMap<string, unknown>;
  /** By the name of the ConfigMap. */
  readonly settings: ReadonlyMap<string, readonly Setting[]>;
}

/** A key with dots, and its value. */
type Entry<T> = readonly [key: string, value: T];

const HEADER = ` Generated from dev/k8s/manifests by "deno task gen".\n` +
  " helm install unkey dev/k8s/chart --namespace unkey --create-namespace --values yours.yaml";
const CONFIG_HELP =
  "Settings of the processes, by the names of their variables; docs/cli.md has all of them. A " +
  "setting that is null is left out. Values are templates.";
const SETTINGS: Schema = {
  type: "object",
  description: "Settings, by the names of their variables.",
  propertyNames: { pattern: "^[A-Z][A-Z0-9_]*$" },
  // A number would lose its digits: 3000000 becomes 3e+06 in a template.
  additionalProperties: { type: ["string", "null"] },
};

/** Every value with its default, and a comment above it. */
export function valuesFile({ defaults, settings }: Shown): string {
  const config = [...CONFIG_KEYS].flatMap(([name, key]) =>
    (settings.get(name) ?? []).map((each) => ({ ...each, key: `config.${key}.${each.name}` }))
  );
  const entries: Entry<unknown>[] = [
    ...SWITCHES.map(({ key, fallback }): Entry<unknown> => [key, fallback]),
    ...config.map(({ key, value }): Entry<unknown> => [key, inNamespace(value)]),
    ...VALUES.map(({ key }): Entry<unknown> => [key, defaults.get(key)]),
  ];
  const help = new Map([...SWITCHES, ...config, ...VALUES].map((each) => [each.key, each.help]));
  const document = new Document(nested(entries, (branches) => branches, (value) => value));
  document.commentBefore = HEADER;
  comment(document, help.set("config", CONFIG_HELP));
  return document.toString({ lineWidth: 0 });
}

/** Unknown keys are refused: a wrong key would leave the operator with a default. */
export function schemaOf(): Schema {
  const entries: Entry<Schema>[] = [
    ...SWITCHES.map(({ key, help }): Entry<Schema> => [key, { type: "boolean", description: help }]),
    ...[...CONFIG_KEYS.values()].map((key): Entry<Schema> => [`config.${key}`, SETTINGS]),
    ...VALUES.map(({ key, help, schema }): Entry<Schema> => [key, { description: help, ...schema }]),
  ];
  const object = (properties: Schema): Schema => ({
    type: "object",
    additionalProperties: false,
    properties,
  });
  const root = nested<Schema, unknown>(entries, object, (schema) => schema);
  return { $schema: "http://json-schema.org/draft-07/schema#", title: "Values of the chart unkey", ...root };
}

/** A tree of the entries: `branch` makes a node of its parts, `leaf` one of a value. */
function nested<T, R>(
  entries: readonly Entry<T>[],
  branch: (parts: Readonly<Record<string, R>>) => Schema,
  leaf: (value: T) => R,
): Schema {
  const parts: Record<string, R> = {};
  for (const [part, group] of Map.groupBy(entries, ([key]) => key.split(".")[0] ?? "")) {
    const [first] = group;
    if (first !== undefined && first[0] === part) parts[part] = leaf(first[1]);
    else {
      const below = group.map(([key, value]): Entry<T> => [key.slice(part.length + 1), value]);
      Object.assign(parts, { [part]: nested(below, branch, leaf) });
    }
  }
  return branch(parts);
}

/** `unkey` is the namespace of the manifests; a release may have another one. */
function inNamespace(value: string): string {
  const here = "{{ .Release.Namespace }}";
  return value === "unkey" ? here : value.replaceAll(".unkey.svc", `.${here}.svc`);
}

function comment(document: Document, help: ReadonlyMap<string, string>): void {
  visit(document, {
    Pair(_, pair, path) {
      const key = [...path.filter((each) => isPair(each)), pair].map(nameOf).join(".");
      const text = help.get(key) ?? "";
      if (text !== "" && isScalar(pair.key)) pair.key.commentBefore = ` ${text}`;
    },
  });
}

function nameOf({ key }: Pair): string {
  return isScalar(key) ? String(key.value) : "";
}
