/** A trace as people read it. */
import type { DeploymentTrace, TraceSpan } from "../../proto/gen/ctrl/v1/trace_pb.ts";
import { facts, oneLine, table } from "../shared/output.ts";
import { receiptText } from "../shared/switch_receipt.ts";
import type { ShareJson, SpanJson, TraceJson } from "./trace_json.ts";

/** The mark of the critical path: its look on a terminal, else a sign. */
export interface Marking {
  readonly bold: (text: string) => string;
  readonly sign: string;
}

export const SIGNS: Marking = { bold: (text) => text, sign: "> " };

const NAME_WIDTH_MAX = 48;
/** Shorter gaps are of no use to a person; the JSON has them. */
const GAP_MS_MIN = 10;
const SHARES_MAX = 5;
const TITLES = ["WHAT", "AT", "TOOK", "BEFORE", "STATUS"];

type Row = readonly [what: string, at: string, took: string, before: string, status: string];

export function traceText(
  trace: TraceJson,
  depths: DeploymentTrace["spans"],
  { place, marking }: { readonly place: string; readonly marking: Marking },
): string {
  const { before } = trace;
  const about = facts({
    trace: trace.traceId,
    deployment: `${trace.id} of ${place}`,
    took: `${seconds(trace.tookMs)}, ${trace.outcome ?? "and goes on"}${comparison(trace)}`,
    "of which": sharesText(trace),
  });
  const depthOf = new Map(depths.map(({ id, depth }: TraceSpan) => [id, depth]));
  const compared = before === undefined ? new Map() : differences(trace, depthOf, before.phases);
  const shown = trace.spans.filter(({ gap, tookMs }) => !gap || tookMs >= GAP_MS_MIN);
  const rows = shown.map((span): { readonly row: Row; readonly critical: boolean } => {
    const depth = depthOf.get(span.id) ?? 0;
    return {
      row: rowOf(span, { depth, compared: compared.get(span.id) ?? "", trace }),
      critical: span.critical,
    };
  });
  return `${about}\n${layOut(rows, marking)}${notes(trace, marking)}${edgesText(trace)}`;
}

/** The edges' part, behind the end of the deploy. */
function edgesText({ receipt }: TraceJson): string {
  const line = receipt && receiptText(receipt);
  if (receipt === undefined || !line) return "";
  const rows = receipt.edges.map(({ id, region = "", acknowledgedMs }) => [
    id,
    region,
    acknowledgedMs === undefined ? "" : seconds(acknowledgedMs),
  ]);
  return `\nAfter the deploy, it ${line}:\n${table(["EDGE", "REGION", "FOLLOWED AFTER"], rows)}`;
}

function comparison({ tookMs, before }: TraceJson): string {
  if (before === undefined) return "";
  const more = tookMs - before.tookMs;
  return ` (${seconds(Math.abs(more))} ${
    more < 0 ? "less" : "more"
  } than ${before.id}, the success before it)`;
}

function sharesText({ shares, tookMs }: TraceJson): string {
  return shares.slice(0, SHARES_MAX)
    .map((each) => `${oneLine(each.name)} ${seconds(each.tookMs)} (${percent(each.tookMs, tookMs)})`).join(
      ", ",
    );
}

function percent(part: number, whole: number): string {
  return `${whole === 0 ? 0 : Math.round(part * 100 / whole)} %`;
}

/** The difference to the deploy before, by the id of the longest part of each name: parts of one name are added up. */
function differences(
  { spans }: TraceJson,
  depthOf: ReadonlyMap<string, number>,
  phases: readonly ShareJson[],
): ReadonlyMap<string, string> {
  const former = new Map(phases.map(({ name, tookMs }) => [name, tookMs]));
  const parts = Map.groupBy(spans.filter(({ id }) => depthOf.get(id) === 0), ({ name }) => name);
  return new Map(
    Array.from(parts, ([name, same]) => {
      const { id, gap } = same.toSorted((a, b) => b.tookMs - a.tookMs)[0] ?? { id: "", gap: true };
      const known = former.get(name);
      if (known === undefined) return [id, gap ? "" : "new"];
      const more = same.reduce((sum, { tookMs }) => sum + tookMs, 0) - known;
      return [id, `${more < 0 ? "-" : "+"}${seconds(Math.abs(more))}`];
    }),
  );
}

function rowOf(
  { name, detail = "", region, startedAt, tookMs, status }: SpanJson,
  { depth, compared, trace }: {
    readonly depth: number;
    readonly compared: string;
    readonly trace: TraceJson;
  },
): Row {
  const text = oneLine([name === "region" ? "" : name, name === "region" ? region : "", detail].join(" "));
  const what = `${"  ".repeat(depth)}${cut(text)}`;
  return [
    what,
    seconds(startedAt - trace.startedAt),
    seconds(tookMs),
    compared,
    status === "done" ? "" : status,
  ];
}

function cut(text: string): string {
  return text.length <= NAME_WIDTH_MAX ? text : `${text.slice(0, NAME_WIDTH_MAX - 1)}…`;
}

function layOut(
  rows: readonly { readonly row: Row; readonly critical: boolean }[],
  { bold, sign }: Marking,
): string {
  const all = [TITLES, ...rows.map(({ row }) => row)];
  const widths = TITLES.map((_title, at) => Math.max(...all.map((row) => row[at]?.length ?? 0)));
  const line = (row: readonly string[]): string =>
    row.map((cell, at) => {
      const width = widths[at] ?? 0;
      return at === 0 || at === TITLES.length - 1 ? cell.padEnd(width) : cell.padStart(width);
    }).join("  ").trimEnd();
  const blank = " ".repeat(sign.length);
  const shown = rows.map(({ row, critical }) =>
    critical ? bold(`${sign}${line(row)}`) : `${blank}${line(row)}`
  );
  return `${[`${blank}${line(TITLES)}`, ...shown].join("\n")}\n`;
}

function notes({ droppedSpans = 0 }: TraceJson, { sign }: Marking): string {
  const mark = sign === "" ? "bold" : `marked with "${sign.trim()}"`;
  const dropped = droppedSpans === 0 ? "" : `${droppedSpans} more spans were not kept.\n`;
  return `\nThe critical path is ${mark}: a shorter time there makes the deploy shorter.\n${dropped}`;
}

function seconds(ms: number): string {
  return `${(ms / 1_000).toFixed(2)}s`;
}
