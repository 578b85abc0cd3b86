/// <reference lib="dom" />
/** The projects of a form, and the environments of the chosen one. */
import { useEffect, useState } from "preact/hooks";
import type { Environment, Project } from "../../../proto/gen/ctrl/v1/admin_pb.ts";
import { type Api, soon } from "../api/clients.ts";
import { type Problem, problemOf } from "../api/problem.ts";

export interface Scopes {
  /** `undefined`: they are not read yet. */
  readonly projects: readonly Project[] | undefined;
  readonly environments: readonly Environment[];
  readonly problem: Problem | undefined;
}

/** @param projectId empty: none is chosen */
export function useScopes(api: Pick<Api, "admin">, projectId: string): Scopes {
  const [projects, setProjects] = useState<readonly Project[]>();
  const [environments, setEnvironments] = useState<readonly Environment[]>([]);
  const [problem, setProblem] = useState<Problem>();
  useEffect(() => {
    const stop = new AbortController();
    api.admin.listProjects({}, soon(stop.signal)).then(
      (found) => setProjects(found.projects),
      (error: unknown) => {
        if (!stop.signal.aborted) setProblem(problemOf(error, "The projects cannot be read."));
      },
    );
    return () => stop.abort();
  }, [api]);
  useEffect(() => {
    setEnvironments([]);
    if (projectId === "") return;
    const stop = new AbortController();
    api.admin.listEnvironments({ projectId }, soon(stop.signal)).then(
      (found) => setEnvironments(found.environments),
      // The environment can be left open, and another project may be chosen.
      () => undefined,
    );
    return () => stop.abort();
  }, [api, projectId]);
  return { projects, environments, problem };
}
