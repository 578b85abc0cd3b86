/// <reference lib="dom" />
/** Metrics as tables: every step for readers without the charts, regions, and the switches that the charts mark. */
import type { JSX } from "preact";
import { useState } from "preact/hooks";
import type { TrafficSwitch } from "../../../proto/gen/ctrl/v1/traffic_switch_pb.ts";
import { receiptText } from "../environment/history.tsx";
import type { Place } from "../environment/read.ts";
import { plain } from "../text/format.ts";
import { Ago, Table } from "../ui/parts.tsx";
import { metricsAddress, type MetricsQuery } from "./query.ts";
import type { EnvironmentMetrics } from "./read.ts";
import type { MetricsSeries } from "./series.ts";

/** The numbers of every step that has some, newest first. */
export function Numbers({ series }: { readonly series: MetricsSeries }): JSX.Element {
  const [isOpen, setIsOpen] = useState(false);
  return (
    <details open={isOpen} onToggle={(event) => setIsOpen(event.currentTarget.open)}>
      <summary>All numbers as a table</summary>
      {isOpen ? <NumberTable series={series} /> : null}
    </details>
  );
}

export function NumberTable({ series: { times, charts } }: { readonly series: MetricsSeries }): JSX.Element {
  const lines = charts.flatMap(({ title, show, lines }) => lines.map((line) => ({ ...line, title, show })));
  const steps = times.map((atMs, index) => ({ atMs, index })).toReversed()
    .filter(({ index }) => lines.some(({ values }) => (values[index] ?? 0) !== 0));
  return (
    <Table
      label="All numbers"
      columns={["from", ...lines.map(({ title, name }) => `${title}, ${name}`)]}
    >
      {steps.map(({ atMs, index }) => (
        <tr key={atMs}>
          <th scope="row">
            <time dateTime={new Date(atMs).toISOString()}>{new Date(atMs).toLocaleString()}</time>
          </th>
          {lines.map(({ title, name, show, values }) => {
            const value = values[index] ?? null;
            return <td key={`${title} ${name}`}>{value === null ? "–" : show(value)}</td>;
          })}
        </tr>
      ))}
    </Table>
  );
}

/** Links to the requests of one region only. */
export function Regions(
  { shown, place, query }: {
    readonly shown: EnvironmentMetrics;
    readonly place: Place;
    readonly query: MetricsQuery;
  },
): JSX.Element | null {
  const names = query.region === "" ? shown.traffic.regions.map(({ region }) => region) : [query.region];
  if (query.region === "" && names.length < 2) return null;
  return (
    <>
      <a
        class="choice"
        href={metricsAddress(place, { ...query, region: "" })}
        {...currentIf(query.region === "")}
      >
        all regions
      </a>
      {names.map((region) => (
        <a
          key={region}
          class="choice"
          href={metricsAddress(place, { ...query, region })}
          {...currentIf(region === query.region)}
        >
          {plain(region)}
        </a>
      ))}
    </>
  );
}

function currentIf(isCurrent: boolean): { readonly "aria-current"?: "true" } {
  return isCurrent ? { "aria-current": "true" } : {};
}

/** The switches that the charts mark. */
export function Switches(
  { switches, nowMs }: { readonly switches: readonly TrafficSwitch[]; readonly nowMs: number },
): JSX.Element | null {
  if (switches.length === 0) return null;
  return (
    <section>
      <h2>Switches of traffic in this time</h2>
      <Table label="Switches of traffic" columns={["when", "to", "by", "receipt"]}>
        {switches.map((each) => (
          <tr key={each.id}>
            <th scope="row">
              <Ago atMs={Number(each.committedAt)} nowMs={nowMs} />
            </th>
            <td>
              <a class="id" href={`/deployments/${each.toDeploymentId}`}>{each.toDeploymentId}</a>
            </td>
            <td>{plain(each.cause)}</td>
            <td>{receiptText(each.receipt)}</td>
          </tr>
        ))}
      </Table>
    </section>
  );
}
