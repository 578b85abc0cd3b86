/** Reads what the store keeps as JSON text. */

/** An array of strings; anything else in it is dropped. */
export function decodeStrings(json: string): string[] {
  const value: unknown = JSON.parse(json);
  return Array.isArray(value) ? value.filter((each) => typeof each === "string") : [];
}

/** An object whose values are strings; anything else in it is dropped. */
export function decodeStringMap(json: string): Record<string, string> {
  const value: unknown = JSON.parse(json);
  if (typeof value !== "object" || value === null) return {};
  return Object.fromEntries(
    Object.entries(value).filter((entry): entry is [string, string] => typeof entry[1] === "string"),
  );
}
