/// <reference lib="dom" />
import type { JSX } from "preact";
import type { Session } from "../../../proto/gen/ctrl/v1/session_pb.ts";
import { age, plain } from "../text/format.ts";
import { Ago, Command, Empty, Table } from "../ui/parts.tsx";

/** The sessions that work, each with a button that ends it. */
export function SessionsView(
  { sessions, nowMs, onRevoke }: {
    readonly sessions: readonly Session[];
    readonly nowMs: number;
    readonly onRevoke: (session: Session) => void;
  },
): JSX.Element {
  return (
    <>
      <h1>Sessions</h1>
      <p class="calm-text">
        Browsers that are logged in. A session ends twelve hours after its last page was shown, a week after
        its login, or with its root key.
      </p>
      {sessions.length === 0
        ? <Empty title="No sessions" command="unkey dashboard">A login link starts one.</Empty>
        : (
          <Table
            label="Sessions"
            columns={[
              "session",
              "browser",
              "root key",
              "seen",
              "ends in",
              <span class="unseen" key="action">action</span>,
            ]}
          >
            {sessions.map((each) => (
              <tr key={each.id}>
                <th scope="row">
                  <span class="id">{each.id}</span>
                  {each.current ? <span class="tag">this one</span> : null}
                </th>
                <td>{plain(each.browser)}</td>
                <td>{plain(each.keyName) || each.keyId}</td>
                <td>
                  <Ago atMs={Number(each.lastSeenAt)} nowMs={nowMs} />
                </td>
                <td>{age(nowMs, Number(each.expiresAt))}</td>
                <td>
                  <button type="button" onClick={() => onRevoke(each)} aria-label={`Revoke ${each.id}`}>
                    revoke
                  </button>
                </td>
              </tr>
            ))}
          </Table>
        )}
      <p class="calm-text">The same in a terminal:</p>
      <Command text="unkey sessions list" />
    </>
  );
}
