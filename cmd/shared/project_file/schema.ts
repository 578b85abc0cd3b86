/** The JSON schema of `unkey.json`. */
import { z } from "zod";
import { defaultText, type Field } from "../../../pkg/config/mod.ts";
import { SCHEMA } from "./keys.ts";

type Node = z.core.JSONSchema.BaseSchema;

/** Draft 7, which all editors know. Help and default of each key are those of its setting. */
export function projectFileSchema(fields: readonly Field<unknown>[]): Node {
  const schema: Node = z.toJSONSchema(SCHEMA, { target: "draft-7" });
  for (const field of fields) {
    const node = nodeOf(schema, field.file?.split(".") ?? []);
    if (node === undefined || node === schema) continue;
    node.description = field.help;
    const fallback = defaultText(field);
    if (fallback !== undefined) node.default = node.type === "integer" ? Number(fallback) : fallback;
  }
  return {
    ...schema,
    title: "unkey.json",
    description: "How a folder is deployed. Flags and variables go before this file.",
    // Words of the editor that most people use; others ignore them.
    allowComments: true,
    allowTrailingCommas: true,
  };
}

function nodeOf(schema: Node, path: readonly string[]): Node | undefined {
  let node: Node | undefined = schema;
  for (const key of path) {
    const next: z.core.JSONSchema._JSONSchema | undefined = node?.properties?.[key];
    node = typeof next === "object" ? next : undefined;
  }
  return node;
}
