/**
 * OpenAPI documents of apps: reads one within bounds, and compares two as their clients see them.
 *
 * ```ts
 * const read = await readDocument(bytes);
 * if (read.kind === "document") compareDocuments(former, read.document); // the changes, or that they are too large
 * ```
 *
 * A document is untrusted data. References into other files or hosts are never followed, and the bounds of size,
 * depth and nodes hold after aliases of YAML are counted. The work of reading and of comparing is bounded too.
 *
 * @module
 */
export { compareDocuments } from "./compare.ts";
export { type Change, type Compared, type Comparison, type Counts, LEVELS } from "./changes.ts";
export { DOCUMENT_BYTES_MAX, type ReadDocument, readDocument } from "./read.ts";
export { countOperations } from "./operations.ts";
export type { Node } from "./node.ts";
