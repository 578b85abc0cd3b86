/** Looks at JSON values of which nothing is known. */

/** An object of a document. */
export type Node = Readonly<Record<string, unknown>>;

export function isNode(value: unknown): value is Node {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The own value, so that names that every object has are not found. */
export function get(value: unknown, name: string): unknown {
  return isNode(value) && Object.hasOwn(value, name) ? value[name] : undefined;
}

/** The object at a name, or an empty one. */
export function nodeAt(value: unknown, name: string): Node {
  const found = get(value, name);
  return isNode(found) ? found : {};
}

/** The list at a name, or an empty one. */
export function listAt(value: unknown, name: string): readonly unknown[] {
  const found: unknown = get(value, name);
  return Array.isArray(found) ? found : [];
}

export function textAt(value: unknown, name: string): string | undefined {
  const found = get(value, name);
  return typeof found === "string" ? found : undefined;
}

export function textsAt(value: unknown, name: string): readonly string[] {
  return listAt(value, name).filter((each) => typeof each === "string");
}

/** The start of a text of the document, for texts that people read: names in documents may be long. */
export function short(text: string, charactersMax = 100): string {
  return text.length <= charactersMax ? text : `${text.slice(0, charactersMax)}…`;
}
