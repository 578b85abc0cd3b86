/** Switches as a table. */
import { age, table } from "../shared/output.ts";
import type { ReceiptJson } from "../shared/switch_receipt.ts";

export function switchesTable(switches: readonly ReceiptJson[], nowMs: number): string {
  return table(
    ["AGE", "PROJECT", "ENV", "CAUSE", "SHARE", "FROM", "TO", "TOOK", "EDGES", "FAILED", "RECEIPT"],
    switches.map(
      (
        {
          committedAt,
          project = "",
          environment,
          cause,
          percent = 100,
          from = "",
          to,
          tookMs,
          edges,
          failed,
          state,
        },
      ) => {
        const followed = edges.filter(({ acknowledgedMs }) => acknowledgedMs !== undefined).length;
        return [
          age(committedAt, nowMs),
          project,
          environment,
          cause,
          `${percent} %`,
          from,
          to,
          followed === 0 ? "" : `${tookMs} ms`,
          `${followed}/${edges.length}`,
          String(failed.byEdge + failed.byFormer + failed.byTarget),
          state,
        ];
      },
    ),
  );
}
