/// <reference lib="dom" />
import type { JSX } from "preact";
import { useEffect, useMemo } from "preact/hooks";
import type { Api } from "../api/clients.ts";
import { keepLoading } from "../api/load.ts";
import { readOverview } from "../api/overview.ts";
import { useNow } from "../ui/now.ts";
import { ProblemNote, Waiting } from "../ui/parts.tsx";
import { OverviewView } from "./overview_view.tsx";

const EVERY_MS = 10_000;

/** Reads the overview when something has changed, and for the heartbeats of regions now and then. */
export function OverviewPage({ api }: { readonly api: Api }): JSX.Element {
  const loading = useMemo(
    () =>
      keepLoading({
        page: document,
        api,
        read: (signal) => readOverview(api, signal),
        everyMs: () => EVERY_MS,
        what: "The overview cannot be read.",
      }),
    [api],
  );
  useEffect(() => () => loading.stop(), [loading]);
  const nowMs = useNow(api.clock);
  const { value, problem } = loading.state.value;
  return (
    <>
      {problem === undefined ? null : <ProblemNote problem={problem} />}
      {value === undefined
        ? problem === undefined ? <Waiting what="the overview" /> : null
        : <OverviewView overview={value} nowMs={nowMs} />}
    </>
  );
}
