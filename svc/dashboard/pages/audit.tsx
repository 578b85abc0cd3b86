/// <reference lib="dom" />
import type { JSX } from "preact";
import { useEffect, useMemo, useState } from "preact/hooks";
import type { AuditEntry } from "../../../proto/gen/ctrl/v1/admin_pb.ts";
import { WorkspaceObject } from "../../../proto/gen/ctrl/v1/deployment_pb.ts";
import { type Api, soon } from "../api/clients.ts";
import { keepLoading } from "../api/load.ts";
import { plain } from "../text/format.ts";
import { useNow } from "../ui/now.ts";
import { Ago, Command, Empty, ProblemNote, Table, Waiting } from "../ui/parts.tsx";

const ENTRIES = 100;

/** The newest acts of the workspace, live. */
export function AuditPage({ api }: { readonly api: Api }): JSX.Element {
  const [action, setAction] = useState("");
  const loading = useMemo(() =>
    keepLoading({
      page: document,
      api,
      read: async (signal) =>
        (await api.admin.listAuditLog({ action, pageSize: ENTRIES }, soon(signal))).entries,
      concerns: ({ object }) => object === WorkspaceObject.AUDIT_ENTRY,
      what: "The audit log cannot be read.",
    }), [api, action]);
  useEffect(() => () => loading.stop(), [loading]);
  const nowMs = useNow(api.clock);
  const { value, problem } = loading.state.value;
  return (
    <>
      {problem === undefined ? null : <ProblemNote problem={problem} />}
      {value === undefined
        ? problem === undefined ? <Waiting what="the audit log" /> : null
        : <AuditView entries={value} action={action} nowMs={nowMs} onAction={setAction} />}
    </>
  );
}

/** Acts, newest first; an action's button shows that action only. */
export function AuditView(
  { entries, action, nowMs, onAction }: {
    readonly entries: readonly AuditEntry[];
    /** Empty: all. */
    readonly action: string;
    readonly nowMs: number;
    readonly onAction: (action: string) => void;
  },
): JSX.Element {
  return (
    <>
      <h1>Audit log</h1>
      {action === "" ? null : (
        <p class="bar">
          Only {plain(action)}. <button type="button" onClick={() => onAction("")}>Show all</button>
        </p>
      )}
      {entries.length === 0
        ? <Empty title="No entries">Each change of the workspace has one.</Empty>
        : (
          <Table label="Audit log" columns={["time", "actor", "action", "object", "facts"]}>
            {entries.map((each) => (
              <tr key={each.id}>
                <th scope="row">
                  <Ago atMs={Number(each.createdAt)} nowMs={nowMs} />
                </th>
                <td title={plain(each.actorId)}>{plain(each.actorName) || plain(each.actorKind)}</td>
                <td>
                  <button type="button" class="quiet" onClick={() => onAction(each.action)}>
                    {plain(each.action)}
                  </button>
                </td>
                <td>
                  <Resource entry={each} />
                </td>
                <td class="cut" title={factsText(each.factsJson)}>{factsText(each.factsJson)}</td>
              </tr>
            ))}
          </Table>
        )}
      <p class="calm-text">The same in a terminal:</p>
      <Command text={action === "" ? "unkey audit" : `unkey audit --action ${plain(action)}`} />
    </>
  );
}

function Resource({ entry }: { readonly entry: AuditEntry }): JSX.Element {
  const { resourceType, resourceId } = entry;
  const id = plain(resourceId);
  if (resourceType === "deployment" && /^d_\w+$/.test(resourceId)) {
    return <a class="id" href={`/deployments/${resourceId}`}>{id}</a>;
  }
  return (
    <span>
      {plain(resourceType)} <span class="id">{id}</span>
    </span>
  );
}

/** `slug: shop, count: 2` */
export function factsText(json: string): string {
  try {
    const facts: unknown = JSON.parse(json);
    if (typeof facts !== "object" || facts === null) return "";
    return plain(Object.entries(facts).map(([name, value]) => `${name}: ${String(value)}`).join(", "));
  } catch {
    return "";
  }
}
