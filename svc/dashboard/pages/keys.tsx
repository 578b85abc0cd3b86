/// <reference lib="dom" />
import type { JSX } from "preact";
import { useEffect, useMemo, useState } from "preact/hooks";
import type { RootKey } from "../../../proto/gen/ctrl/v1/admin_pb.ts";
import { WorkspaceObject } from "../../../proto/gen/ctrl/v1/deployment_pb.ts";
import { type Api, soon } from "../api/clients.ts";
import { keepLoading } from "../api/load.ts";
import { plain } from "../text/format.ts";
import { ActDialogOf, type SimpleAct } from "../ui/act.tsx";
import { useNow } from "../ui/now.ts";
import { Ago, Command, Empty, ProblemNote, Table, Waiting } from "../ui/parts.tsx";

/** Lists root keys, and revokes them. */
export function KeysPage({ api }: { readonly api: Api }): JSX.Element {
  const loading = useMemo(() =>
    keepLoading({
      page: document,
      api,
      read: async (signal) => (await api.admin.listRootKeys({}, soon(signal))).keys,
      concerns: ({ object }) => object === WorkspaceObject.AUDIT_ENTRY,
      what: "The root keys cannot be read.",
    }), [api]);
  useEffect(() => () => loading.stop(), [loading]);
  const nowMs = useNow(api.clock);
  const [act, setAct] = useState<SimpleAct>();
  const { value, problem } = loading.state.value;
  const close = (): void => {
    setAct(undefined);
    loading.again();
  };
  const revoke = ({ id, name }: RootKey): void =>
    setAct({
      title: "Revoke this root key?",
      word: "Revoke the key",
      command: `unkey keys revoke ${id}`,
      text: (
        <p>
          {plain(name) || id}{" "}
          stops working within seconds, with the sessions and streams that use it. It cannot be brought back.
        </p>
      ),
      run: async (options) => {
        await api.admin.revokeRootKey({ keyId: id }, options);
        return undefined;
      },
    });
  return (
    <>
      {problem === undefined ? null : <ProblemNote problem={problem} />}
      {value === undefined
        ? problem === undefined ? <Waiting what="the root keys" /> : null
        : <KeysView keys={value} nowMs={nowMs} onRevoke={revoke} />}
      {act === undefined ? null : <ActDialogOf act={act} onClose={close} />}
    </>
  );
}

/** The root keys that work, each with a button that ends it. */
export function KeysView(
  { keys, nowMs, onRevoke }: {
    readonly keys: readonly RootKey[];
    readonly nowMs: number;
    readonly onRevoke: (key: RootKey) => void;
  },
): JSX.Element {
  return (
    <>
      <h1>Root keys</h1>
      <p class="calm-text">A key is shown once, when it is made in a terminal. Only its begin is kept.</p>
      {keys.length === 0
        ? <Empty title="No root keys" command="unkey keys create ci">A key lets programs deploy.</Empty>
        : (
          <Table
            label="Root keys"
            columns={[
              "key",
              "name",
              "permissions",
              "created",
              <span class="unseen" key="action">action</span>,
            ]}
          >
            {keys.map((each) => (
              <tr key={each.id}>
                <th scope="row">
                  <span class="id">{plain(each.start)}…</span>
                </th>
                <td>{plain(each.name) || each.id}</td>
                <td class="cut" title={each.permissions.join(", ")}>{each.permissions.join(", ")}</td>
                <td>
                  <Ago atMs={Number(each.createdAt)} nowMs={nowMs} />
                </td>
                <td>
                  <button
                    type="button"
                    onClick={() => onRevoke(each)}
                    aria-label={`Revoke ${plain(each.name) || each.id}`}
                  >
                    revoke
                  </button>
                </td>
              </tr>
            ))}
          </Table>
        )}
      <p class="calm-text">The same in a terminal:</p>
      <Command text="unkey keys list" />
    </>
  );
}
