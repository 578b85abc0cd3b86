/// <reference lib="dom" />
/** Deployments that were live: as a lane over time, and as a list with the receipts. */
import type { JSX } from "preact";
import {
  ReceiptState,
  type SwitchReceipt,
  type TrafficSwitch,
} from "../../../proto/gen/ctrl/v1/traffic_switch_pb.ts";
import { age, count, duration, plain } from "../text/format.ts";
import { Ago, Table } from "../ui/parts.tsx";
import { liveSpans } from "./lane.ts";

const SHOWN = 10;

/** @param props `switches` newest first */
export function History(
  { switches, nowMs }: { readonly switches: readonly TrafficSwitch[]; readonly nowMs: number },
): JSX.Element | null {
  if (switches.length === 0) return null;
  return (
    <section>
      <h2>Live history</h2>
      <Lane switches={switches} nowMs={nowMs} />
      <Table label="Live history" columns={["since", "deployment", "by", "live for", "receipt"]}>
        {switches.slice(0, SHOWN).map((each, index) => (
          <tr key={each.id}>
            <th scope="row">
              <Ago atMs={Number(each.committedAt)} nowMs={nowMs} />
            </th>
            <td>
              <a class="id" href={`/deployments/${each.toDeploymentId}`}>{each.toDeploymentId}</a>
            </td>
            <td>{plain(each.cause)}</td>
            <td>{age(Number(each.committedAt), Number(switches[index - 1]?.committedAt ?? nowMs))}</td>
            <td>{receiptText(each.receipt)}</td>
          </tr>
        ))}
      </Table>
    </section>
  );
}

function Lane(
  { switches, nowMs }: { readonly switches: readonly TrafficSwitch[]; readonly nowMs: number },
): JSX.Element {
  const spans = liveSpans(switches, nowMs);
  const first = spans[0]?.beginMs ?? nowMs;
  const label = `${count(spans.length, "switch", "switches")} in ${age(first, nowMs)}`;
  return (
    <svg class="lane" role="img" aria-label={label} width="100%" height="30">
      {spans.map((each) => (
        <svg key={each.beginMs} x={`${each.x}%`} width={`${each.width}%`} height="24" y="3">
          <title>
            {each.deploymentId}, by {plain(each.cause)}, for {age(each.beginMs, each.endMs ?? nowMs)}
          </title>
          <rect class={laneClass(each)} width="100%" height="24" rx="3" />
        </svg>
      ))}
    </svg>
  );
}

function laneClass({ cause, endMs }: { readonly cause: string; readonly endMs: number | undefined }): string {
  return `${cause === "rollback" ? "back" : "on"}${endMs === undefined ? " now" : ""}`;
}

/** The receipt of a switch in words. */
export function receiptText(receipt: SwitchReceipt | undefined): string {
  if (receipt === undefined) return "";
  const { state, tookMs, failedByEdge, failedByTarget, failedByFormer } = receipt;
  const failed = Number(failedByEdge + failedByTarget + failedByFormer);
  const end = failed === 0 ? "no failed request" : count(failed, "failed request");
  switch (state) {
    case ReceiptState.WAITING:
      return "edges are taking it …";
    case ReceiptState.INCOMPLETE:
      return `not every edge has followed, ${end}`;
    case ReceiptState.SUPERSEDED:
      return `another switch came before all edges had followed, ${end}`;
    case ReceiptState.COUNTING:
    case ReceiptState.COMPLETE:
      return `${duration(Number(tookMs))}, ${end}`;
    default:
      return "";
  }
}

/** True while more is to come of a receipt. */
export function isReceiptOpen({ receipt }: TrafficSwitch): boolean {
  return receipt?.state === ReceiptState.WAITING || receipt?.state === ReceiptState.COUNTING;
}
