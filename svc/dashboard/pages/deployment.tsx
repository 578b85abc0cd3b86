/// <reference lib="dom" />
import { signal } from "@preact/signals";
import type { JSX } from "preact";
import { useEffect, useMemo, useState } from "preact/hooks";
import type { RegionStatus } from "../../../proto/gen/ctrl/v1/admin_pb.ts";
import {
  type Deployment,
  type DeploymentInstance,
  DeploymentStatus,
  type WorkspaceChange,
  WorkspaceObject,
} from "../../../proto/gen/ctrl/v1/deployment_pb.ts";
import type { DeploymentTrace } from "../../../proto/gen/ctrl/v1/trace_pb.ts";
import { type Act, actsOf, actWord, commandOf } from "../api/acts.ts";
import { type Api, soon } from "../api/clients.ts";
import { keepLoading } from "../api/load.ts";
import { permitted } from "../api/permitted.ts";
import { LogBuffer } from "../logs/buffer.ts";
import { LogView } from "../logs/log_view.tsx";
import { Output } from "../logs/read.ts";
import { useActs } from "../palette/page_acts.ts";
import { readTrace } from "../trace/read.ts";
import { tookMs } from "../trace/summary.ts";
import { Waterfall } from "../trace/waterfall.tsx";
import { useNow } from "../ui/now.ts";
import { ProblemNote, Waiting } from "../ui/parts.tsx";
import { ActDialog } from "./act_dialog.tsx";
import { DeploymentRegions } from "./deployment_regions.tsx";
import { DeploymentView } from "./deployment_view.tsx";

interface Shown {
  readonly deployment: Deployment;
  readonly instances: readonly DeploymentInstance[];
  readonly trace: DeploymentTrace | undefined;
  /** Empty for a key that may not see them. */
  readonly regions: readonly RegionStatus[];
}

async function read(api: Api, deploymentId: string, signal: AbortSignal): Promise<Shown> {
  const options = soon(signal);
  const [{ deployment }, { instances }, trace, status] = await Promise.all([
    api.deployments.getDeployment({ deploymentId }, options),
    api.deployments.listInstances({ deploymentId }, options),
    readTrace(api, deploymentId, options),
    permitted(api.admin.getStatus({}, options)),
  ]);
  if (deployment === undefined) throw new Error("The control plane answered without a deployment.");
  return { deployment, instances, trace, regions: status?.regions ?? [] };
}

/** A deployment from its first event on, live. */
export function DeploymentPage(
  { api, id, line }: {
    readonly api: Api;
    readonly id: string;
    /** The link of a line of its output; empty: none. */
    readonly line: string;
  },
): JSX.Element {
  const { loading, buffer, version, stop } = useMemo(() => follow(api, id), [api, id]);
  useEffect(() => stop, [stop]);
  const [act, setAct] = useState<Act>();
  const nowMs = useNow(api.clock);
  const { value, problem } = loading.state.value;
  const deployment = value?.deployment;
  const acts = deployment === undefined ? [] : actsOf(deployment);
  useActs(
    api.pageActs,
    `${id} ${acts.join()} ${deployment?.live}`,
    deployment === undefined ? [] : acts.map((each) => ({
      title: `${actWord(each, deployment)}: ${id}`,
      command: commandOf(each, deployment),
      run: () => setAct(each),
    })),
  );
  const close = (): void => {
    setAct(undefined);
    loading.again();
  };
  return (
    <>
      {problem === undefined ? null : <ProblemNote problem={problem} />}
      {value === undefined
        ? problem === undefined ? <Waiting what="the deployment" /> : null
        : <Content {...value} nowMs={nowMs} onAct={setAct} />}
      {value === undefined
        ? null
        : <LogView deploymentId={id} buffer={buffer} version={version} linked={line} />}
      {act === undefined || value === undefined
        ? null
        : <ActDialog api={api} act={act} deployment={value.deployment} onClose={close} />}
    </>
  );
}

function Content(
  { deployment, instances, trace, regions, nowMs, onAct }: Shown & {
    readonly nowMs: number;
    readonly onAct: (act: Act) => void;
  },
): JSX.Element {
  const took = trace === undefined ? undefined : tookMs(trace, nowMs);
  return (
    <>
      <DeploymentView {...{ deployment, instances, tookMs: took, nowMs, onAct }} />
      <DeploymentRegions {...{ deployment, instances, regions, nowMs }} />
      {trace === undefined || trace.spans.length === 0 ? null : <Waterfall trace={trace} nowMs={nowMs} />}
    </>
  );
}

/** A place in the queue depends on other deployments, and the live one on its environment. */
function concerns({ object, id }: WorkspaceChange, { deployment }: Shown): boolean {
  if (object === WorkspaceObject.ENVIRONMENT) return id === deployment.environmentId;
  if (object !== WorkspaceObject.DEPLOYMENT) return false;
  return id === deployment.id || deployment.status === DeploymentStatus.QUEUED;
}

/** Reads the deployment when it has changed, and its output by the stream of the tab, while the page is shown. */
function follow(api: Api, id: string) {
  const loading = keepLoading({
    page: document,
    api,
    read: (signal) => read(api, id, signal),
    concerns,
    what: `Deployment ${id} cannot be read.`,
  });
  const buffer = new LogBuffer();
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
  const unfollow = api.live.follow(new Output({ id, buffer, onLines, onChange: () => loading.again() }));
  const stop = (): void => {
    unfollow();
    loading.stop();
  };
  return { loading, buffer, version, stop };
}
