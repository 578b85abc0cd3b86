/// <reference lib="dom" />
/** The requests of an environment over time, with the switches of its traffic. */
import type { JSX } from "preact";
import { useEffect, useMemo, useState } from "preact/hooks";
import type { WorkspaceChange } from "../../../proto/gen/ctrl/v1/deployment_pb.ts";
import type { Api } from "../api/clients.ts";
import { keepLoading } from "../api/load.ts";
import type { Place } from "../environment/read.ts";
import { count, plain } from "../text/format.ts";
import { Command, Empty, ProblemNote, Waiting } from "../ui/parts.tsx";
import { useNow } from "../ui/now.ts";
import { Chart } from "./chart.tsx";
import { metricsAddress, metricsCommand, type MetricsQuery, RANGE_NAMES } from "./query.ts";
import { type EnvironmentMetrics, readMetrics } from "./read.ts";
import { seriesOf } from "./series.ts";
import { Numbers, Regions, Switches } from "./tables.tsx";

/** Edges report every ten seconds. */
const EVERY_MS = 10_000;

export function MetricsPage(
  { api, place, query }: { readonly api: Api; readonly place: Place; readonly query: MetricsQuery },
): JSX.Element {
  const { projectId, environmentSlug } = place;
  const { since, region } = query;
  const loading = useMemo(() =>
    keepLoading({
      page: document,
      api,
      read: (signal) => readMetrics(api, { projectId, environmentSlug }, { since, region }, signal),
      concerns: (change: WorkspaceChange) => change.projectId === projectId,
      everyMs: () => EVERY_MS,
      what: `Metrics of ${environmentSlug} cannot be read.`,
    }), [api, projectId, environmentSlug, since, region]);
  useEffect(() => () => loading.stop(), [loading]);
  const nowMs = useNow(api.clock);
  const { value, problem } = loading.state.value;
  return (
    <>
      {problem === undefined ? null : <ProblemNote problem={problem} />}
      {value === undefined
        ? problem === undefined ? <Waiting what="the metrics" /> : null
        : <MetricsView shown={value} place={place} query={query} nowMs={nowMs} />}
    </>
  );
}

/** Metrics that were read. */
export function MetricsView(
  { shown, place, query, nowMs }: {
    readonly shown: EnvironmentMetrics;
    readonly place: Place;
    readonly query: MetricsQuery;
    readonly nowMs: number;
  },
): JSX.Element {
  const { projectSlug, traffic, switches } = shown;
  const series = useMemo(() => seriesOf(traffic), [traffic]);
  const marks = useMemo(() => switches.map(({ committedAt }) => Number(committedAt)), [switches]);
  const [step, setStep] = useState<number>();
  const at = step === undefined ? undefined : series.times[step];
  const { environmentSlug } = place;
  const requests = traffic.total?.requests ?? 0n;
  return (
    <>
      <h1>
        <a href={`/environments/${place.projectId}/${environmentSlug}`}>
          {plain(projectSlug)} {plain(environmentSlug)}
        </a>{" "}
        metrics
      </h1>
      <nav class="bar" aria-label="Time and region">
        {RANGE_NAMES.map((since) => (
          <a
            key={since}
            class="choice"
            href={metricsAddress(place, { ...query, since })}
            aria-current={since === query.since ? "true" : undefined}
          >
            {since}
          </a>
        ))}
        <span class="grow" />
        <Regions shown={shown} place={place} query={query} />
      </nav>
      <p class="calm-text" role="status">
        {at === undefined
          ? `${count(Number(requests), "request")} of ${count(traffic.deploymentIds.length, "deployment")}${
            traffic.deploymentsLeftOut ? ", older ones are left out" : ""
          }, in steps of ${stepText(Number(traffic.stepSeconds))}`
          : `From ${new Date(at).toLocaleString()} on`}
      </p>
      {requests === 0n ? <Empty title="No requests in this time">The edges count each request.</Empty> : (
        <>
          {series.charts.map((chart) => (
            <Chart key={chart.title} {...{ times: series.times, chart, marks, step }} onStep={setStep} />
          ))}
          <Numbers series={series} />
        </>
      )}
      <Switches switches={switches} nowMs={nowMs} />
      <p class="calm-text">The same in a terminal:</p>
      <Command text={metricsCommand(`--project ${projectSlug} --env ${environmentSlug}`, query)} />
    </>
  );
}

function stepText(seconds: number): string {
  return seconds < 60 ? `${seconds} s` : seconds < 3_600 ? `${seconds / 60} min` : `${seconds / 3_600} h`;
}
