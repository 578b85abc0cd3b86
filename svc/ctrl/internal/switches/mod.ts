/**
 * Receipts of switches: how long the edges took, which did not follow, and how many requests failed.
 *
 * ```ts
 * const [stored] = await listSwitches(db.kysely, { workspaceId, deploymentId, limit: 1, ... });
 * const { state, tookMs, edges } = receiptOf(stored, clock.now());
 * ```
 *
 * @module
 */
export {
  failedRequests,
  type Receipt,
  RECEIPT_MS_MAX,
  receiptOf,
  type ReceiptState,
  SLOT_MS,
} from "./receipt.ts";
