import { get, isNode, type Node, nodeAt } from "./node.ts";
import { type Parsed, readYaml } from "./read_yaml.ts";

/** Larger documents are not read; few APIs of a thousand operations come near. */
export const DOCUMENT_BYTES_MAX = 1024 * 1024;
const DEPTH_MAX = 100;
const NODES_MAX = 200_000;
/** Characters. URLs that are longer reach few servers. */
const PATH_MAX = 2_048;

/** A document, or the reason why it is none; the reason is for the owner of the app. */
export type ReadDocument =
  | { readonly kind: "document"; readonly document: Node; readonly version: string }
  | { readonly kind: "problem"; readonly problem: string };

/** Reads JSON or YAML of OpenAPI 3. Never throws for what the bytes hold. */
export async function readDocument(bytes: Uint8Array): Promise<ReadDocument> {
  if (bytes.length > DOCUMENT_BYTES_MAX) return problem(`has more than ${DOCUMENT_BYTES_MAX / 1024} KiB`);
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    return problem("is not UTF-8");
  }
  const parsed = /^\s*\{/.test(text) ? parseJson(text) : await readYaml(text);
  if ("problem" in parsed) return problem(parsed.problem);
  const { value } = parsed;
  const size = sizeProblem(value);
  if (size !== undefined) return problem(size);
  if (!isNode(value)) return problem("is not an object");
  const version = get(value, "openapi");
  if (typeof version !== "string" || !/^3\.\d+\.\d+$/.test(version)) {
    return problem('has no "openapi" of the form "3.x.y": only OpenAPI 3 can be compared');
  }
  if (!isNode(get(value, "paths") ?? {})) return problem('has a "paths" that is not an object');
  if (Object.keys(nodeAt(value, "paths")).some((path) => path.length > PATH_MAX)) {
    return problem(`has a path of more than ${PATH_MAX} characters`);
  }
  return { kind: "document", document: value, version };
}

function parseJson(text: string): Parsed {
  try {
    return { value: JSON.parse(text) };
  } catch {
    return { problem: "is not valid JSON" };
  }
}

/** Counts without recursion: a deep document must not take the stack. */
function sizeProblem(root: unknown): string | undefined {
  const open: { readonly value: unknown; readonly depth: number }[] = [{ value: root, depth: 1 }];
  let nodes = 0;
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const { value, depth } = next;
    if (++nodes > NODES_MAX) return `has more than ${NODES_MAX} values, aliases counted`;
    if (typeof value !== "object" || value === null) continue;
    if (depth > DEPTH_MAX) return `is nested deeper than ${DEPTH_MAX} levels`;
    for (const child of Object.values(value)) open.push({ value: child, depth: depth + 1 });
  }
  return undefined;
}

function problem(text: string): ReadDocument {
  return { kind: "problem", problem: text };
}
