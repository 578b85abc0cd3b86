/// <reference lib="dom" />
import { signal } from "@preact/signals";
import type { JSX } from "preact";
import { useEffect, useMemo, useState } from "preact/hooks";
import type { Deployment, DeploymentInstance } from "../../../proto/gen/ctrl/v1/deployment_pb.ts";
import type { DeploymentTrace } from "../../../proto/gen/ctrl/v1/trace_pb.ts";
import type { Act } from "../api/acts.ts";
import { type Api, soon } from "../api/clients.ts";
import { keepLoading } from "../api/load.ts";
import { whileVisible } from "../api/visible.ts";
import { LogBuffer } from "../logs/buffer.ts";
import { LogView } from "../logs/log_view.tsx";
import { LogPosition, readOutput } from "../logs/read.ts";
import { tookMs } from "../trace/summary.ts";
import { Waterfall } from "../trace/waterfall.tsx";
import { ProblemNote, Waiting } from "../ui/parts.tsx";
import { ActDialog } from "./act_dialog.tsx";
import { DeploymentView } from "./deployment_view.tsx";

const EVERY_MS = 3_000;
/** Of a stream that was cut. */
const AGAIN_MS = 2_000;

interface Shown {
  readonly deployment: Deployment;
  readonly instances: readonly DeploymentInstance[];
  readonly trace: DeploymentTrace | undefined;
}

async function read(api: Api, deploymentId: string, signal: AbortSignal): Promise<Shown> {
  const options = soon(signal);
  const [{ deployment }, { instances }, { trace }] = await Promise.all([
    api.deployments.getDeployment({ deploymentId }, options),
    api.deployments.listInstances({ deploymentId }, options),
    api.deployments.getDeploymentTrace({ deploymentId }, options),
  ]);
  if (deployment === undefined) throw new Error("The control plane answered without a deployment.");
  return { deployment, instances, trace };
}

/** A deployment from its first event on, live. */
export function DeploymentPage({ api, id }: { readonly api: Api; readonly id: string }): JSX.Element {
  const { loading, buffer, version, stop } = useMemo(() => follow(api, id), [api, id]);
  useEffect(() => stop, [stop]);
  const [act, setAct] = useState<Act>();
  const { value, problem, atMs } = loading.state.value;
  const close = (): void => {
    setAct(undefined);
    loading.again();
  };
  return (
    <>
      {problem === undefined ? null : <ProblemNote problem={problem} />}
      {value === undefined
        ? problem === undefined ? <Waiting what="the deployment" /> : null
        : <Content {...value} nowMs={atMs} onAct={setAct} />}
      {value === undefined ? null : <LogView buffer={buffer} version={version} />}
      {act === undefined || value === undefined
        ? null
        : <ActDialog api={api} act={act} deployment={value.deployment} onClose={close} />}
    </>
  );
}

function Content(
  { deployment, instances, trace, nowMs, onAct }: Shown & {
    readonly nowMs: number;
    readonly onAct: (act: Act) => void;
  },
): JSX.Element {
  const took = trace === undefined ? undefined : tookMs(trace, nowMs);
  return (
    <>
      <DeploymentView {...{ deployment, instances, tookMs: took, nowMs, onAct }} />
      {trace === undefined || trace.spans.length === 0 ? null : <Waterfall trace={trace} nowMs={nowMs} />}
    </>
  );
}

/** Reads the deployment again and again, and its output by one stream, while the page is shown. */
function follow(api: Api, id: string) {
  const loading = keepLoading({
    page: document,
    clock: api.clock,
    read: (signal) => read(api, id, signal),
    everyMs: EVERY_MS,
    what: `Deployment ${id} cannot be read.`,
  });
  const [buffer, position, stopped] = [new LogBuffer(), new LogPosition(), new AbortController()];
  const version = signal(0);
  let waits = false;
  // Thousands of lines may come between two frames.
  const onLines = (): void => {
    if (waits) return;
    waits = true;
    requestAnimationFrame(() => {
      waits = false;
      version.value++;
    });
  };
  const reading = { api, id, buffer, onLines, onChange: () => loading.again(), againMs: AGAIN_MS };
  whileVisible(document, stopped.signal, (signal) => readOutput(reading, position, signal))
    .catch(() => loading.again());
  const stop = (): void => {
    stopped.abort();
    loading.stop();
  };
  return { loading, buffer, version, stop };
}
