/// <reference lib="dom" />
import type { JSX } from "preact";
import { useEffect, useMemo, useState } from "preact/hooks";
import type { Session } from "../../../proto/gen/ctrl/v1/session_pb.ts";
import { type Api, soon } from "../api/clients.ts";
import { keepLoading } from "../api/load.ts";
import { type Problem, problemOf } from "../api/problem.ts";
import { ConfirmDialog } from "../ui/confirm.tsx";
import { useNow } from "../ui/now.ts";
import { ProblemNote, Waiting } from "../ui/parts.tsx";
import { SessionsView } from "./sessions_view.tsx";

/** A session that is used has no act of its own. */
const EVERY_MS = 10_000;

/** Lists sessions, and revokes them. */
export function SessionsPage({ api }: { readonly api: Api }): JSX.Element {
  const loading = useMemo(
    () =>
      keepLoading({
        page: document,
        api,
        read: async (signal) => (await api.sessions.listSessions({}, soon(signal))).sessions,
        everyMs: () => EVERY_MS,
        what: "The sessions cannot be read.",
      }),
    [api],
  );
  useEffect(() => () => loading.stop(), [loading]);
  const [chosen, setChosen] = useState<Session>();
  const [failure, setFailure] = useState<Problem>();
  const revoke = async ({ id }: Session): Promise<void> => {
    setChosen(undefined);
    setFailure(undefined);
    await api.sessions.revokeSession({ sessionId: id }, soon(new AbortController().signal))
      .catch((error: unknown) => setFailure(problemOf(error, `Session ${id} was not revoked.`)));
    loading.again();
  };
  const nowMs = useNow(api.clock);
  const { value, problem } = loading.state.value;
  const shown = failure ?? problem;
  return (
    <>
      {shown === undefined ? null : <ProblemNote problem={shown} />}
      {value === undefined
        ? problem === undefined ? <Waiting what="the sessions" /> : null
        : <SessionsView sessions={value} nowMs={nowMs} onRevoke={setChosen} />}
      {chosen === undefined ? null : (
        <ConfirmDialog
          title="Revoke this session?"
          command={`unkey sessions revoke ${chosen.id}`}
          act="Revoke the session"
          onAct={() => void revoke(chosen)}
          onClose={() => setChosen(undefined)}
        >
          <p>{chosen.browser} is logged out within seconds{chosen.current ? ": it is this one" : ""}.</p>
        </ConfirmDialog>
      )}
    </>
  );
}
