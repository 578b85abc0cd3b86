/// <reference lib="dom" />
import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import type { Api } from "../api/clients.ts";
import { soon } from "../api/clients.ts";
import { type Problem, problemOf } from "../api/problem.ts";
import { Command, ProblemNote, Waiting } from "../ui/parts.tsx";

/** Exchanges the code of a link for a session, or says how to get one. */
export function LoginPage(
  { api, code, onLogin }: { readonly api: Api; readonly code: string; readonly onLogin: () => void },
): JSX.Element {
  const [problem, setProblem] = useState<Problem>();
  useEffect(() => {
    if (code === "") return;
    const stop = new AbortController();
    api.sessions.startSession({ code }, soon(stop.signal)).then(onLogin, (error: unknown) => {
      if (!stop.signal.aborted) setProblem(loginProblem(error));
    });
    return () => stop.abort();
  }, [api, code, onLogin]);
  if (code !== "" && problem === undefined) return <Waiting what="your login" />;
  return <LoginView problem={problem} />;
}

/** The text of the server says it best: the link was used, or is too old. */
function loginProblem(error: unknown): Problem {
  const problem = problemOf(error, "The login failed.");
  if (!problem.loggedOut) return problem;
  return {
    what: "This link does not work.",
    why: "It was used before, or is older than five minutes.",
    next: "Make a new one in a terminal.",
    loggedOut: true,
  };
}

/** The way to a login. */
export function LoginView({ problem }: { readonly problem: Problem | undefined }): JSX.Element {
  return (
    <div class="narrow">
      <h1>Log in</h1>
      {problem === undefined ? null : <ProblemNote problem={problem} />}
      <p>A link logs this browser in once. Run this in a terminal where you are logged in:</p>
      <Command text="unkey dashboard" />
      <p>
        It opens the link here. On a machine without a browser it prints the link, which works for five
        minutes. The browser may then do what the root key of that login may do, and no key is stored in it.
      </p>
    </div>
  );
}
