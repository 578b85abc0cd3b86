/// <reference lib="dom" />
/** All deployments, up to 1,000, with a filter by words. */
import type { JSX } from "preact";
import { useEffect, useMemo, useState } from "preact/hooks";
import { WorkspaceObject } from "../../../proto/gen/ctrl/v1/deployment_pb.ts";
import type { Api } from "../api/clients.ts";
import { keepLoading } from "../api/load.ts";
import { count } from "../text/format.ts";
import { useNow } from "../ui/now.ts";
import { Command, Empty, ProblemNote, Waiting } from "../ui/parts.tsx";
import { DeploymentList, type ListedDeployments, withWords } from "./list.ts";
import { DeploymentTable } from "./table.tsx";

export function DeploymentsPage({ api }: { readonly api: Api }): JSX.Element {
  const { list, loading } = useMemo(() => {
    const list = new DeploymentList(api);
    const loading = keepLoading({
      page: document,
      api,
      read: (signal) => list.read(signal),
      concerns: ({ object }) =>
        object === WorkspaceObject.DEPLOYMENT || object === WorkspaceObject.ENVIRONMENT,
      what: "The deployments cannot be read.",
    });
    return { list, loading };
  }, [api]);
  useEffect(() => () => loading.stop(), [loading]);
  const nowMs = useNow(api.clock);
  const { problem } = loading.state.value;
  const shown = list.state.value;
  return (
    <>
      {problem === undefined ? null : <ProblemNote problem={problem} />}
      {shown === undefined
        ? problem === undefined ? <Waiting what="the deployments" /> : null
        : <DeploymentsView shown={shown} nowMs={nowMs} />}
    </>
  );
}

export function DeploymentsView(
  { shown, nowMs }: { readonly shown: ListedDeployments; readonly nowMs: number },
): JSX.Element {
  const [text, setText] = useState("");
  const { deployments } = shown;
  const found = useMemo(() => withWords(deployments, text), [deployments, text]);
  return (
    <>
      <h1>Deployments</h1>
      {deployments.length === 0
        ? <Empty title="No deployment yet" command="unkey deploy">In the folder of a Dockerfile.</Empty>
        : (
          <>
            <div class="bar">
              <input
                type="search"
                aria-label="Deployments with these words"
                placeholder="Project, branch, status …"
                value={text}
                onInput={(event) => setText(event.currentTarget.value)}
              />
              <span class="calm-text" role="status">{summary(found.length, shown)}</span>
            </div>
            <DeploymentTable label="Deployments" deployments={found} nowMs={nowMs} />
          </>
        )}
      <p class="calm-text">The same in a terminal:</p>
      <Command text={`unkey list --limit ${Math.max(20, deployments.length)}`} />
    </>
  );
}

/** E.g. `12 of 250 deployments`, and the words for what is not here. */
export function summary(found: number, { deployments, isPartial, hasOlder }: ListedDeployments): string {
  const all = count(deployments.length, "deployment");
  const part = found === deployments.length ? all : `${found} of ${all}`;
  if (isPartial) return `${part}; older ones are read …`;
  return hasOlder ? `${part}; older ones are in the list of the terminal` : part;
}
