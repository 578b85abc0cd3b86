/// <reference lib="dom" />
/** Logs across deployments: a search in the output of instances, whose address says all of it. */
import type { JSX } from "preact";
import { useEffect, useMemo, useState } from "preact/hooks";
import type { Project } from "../../../proto/gen/ctrl/v1/admin_pb.ts";
import type { Api } from "../api/clients.ts";
import { LineList } from "../logs/line_list.tsx";
import { linkOf } from "../logs/link.ts";
import { SelectedLine, useSelectedLine } from "../logs/selected_line.tsx";
import { count } from "../text/format.ts";
import { Command, CopyButton, Empty, ProblemNote, Waiting } from "../ui/parts.tsx";
import { FOUND_MAX } from "./found.ts";
import { SearchForm } from "./form.tsx";
import { addressOf, commandOf, lineAddress, linkedSearch, type LogQuery } from "./query.ts";
import { useScopes } from "./scopes.ts";
import { LogSearch, type SearchState } from "./search.ts";

export function LogsPage(
  { api, query, go }: {
    readonly api: Api;
    readonly query: LogQuery;
    readonly go: (path: string) => void;
  },
): JSX.Element {
  const [chosen, setChosen] = useState(query.project);
  useEffect(() => setChosen(query.project), [query.project]);
  const scopes = useScopes(api, chosen);
  const { projects } = scopes;
  const isOpen = query.deployment === "" && query.project === "";
  const [first] = projects ?? [];
  // The address is that of what is shown.
  useEffect(() => {
    if (!isOpen || first === undefined) return;
    history.replaceState(null, "", addressOf({ ...query, project: first.id }));
    dispatchEvent(new PopStateEvent("popstate"));
  }, [isOpen, first?.id]);
  return (
    <>
      <h1>Logs</h1>
      {scopes.problem === undefined ? null : <ProblemNote problem={scopes.problem} />}
      {projects?.length === 0
        ? (
          <Empty title="No project yet" command="unkey init --create">
            The output of a project's instances is searched here.
          </Empty>
        )
        : (
          <SearchForm
            query={query}
            scopes={scopes}
            onProject={setChosen}
            onSearch={(next) => go(addressOf(next))}
          />
        )}
      {isOpen
        ? scopes.problem === undefined && projects === undefined ? <Waiting what="the projects" /> : null
        : <Found key={addressOf({ ...query, line: "" })} api={api} query={query} projects={projects ?? []} />}
    </>
  );
}

function Found(
  { api, query, projects }: {
    readonly api: Api;
    readonly query: LogQuery;
    readonly projects: readonly Project[];
  },
): JSX.Element {
  const search = useMemo(() => new LogSearch({ api, query, page: document }), [api]);
  useEffect(() => {
    void search.earlier();
    return () => search.stop();
  }, [search]);
  const [follows, setFollows] = useState(false);
  useEffect(() => {
    if (follows) search.follow();
    return () => search.unfollow();
  }, [search, follows]);
  const state = search.state.value;
  const { lines } = state;
  const hrefOf = (link: string): string => addressOf({ ...query, line: link });
  const { selected, line, select } = useSelectedLine({ linked: query.line, lines, hrefOf });
  const found = line === undefined ? undefined : lines.find((each) => each === line);
  const slug = projects.find(({ id }) => id === query.project)?.slug;
  return (
    <section aria-label="Lines that were found">
      {state.problem === undefined ? null : <ProblemNote problem={state.problem} />}
      <div class="bar">
        {state.cursor === "" || lines.length >= FOUND_MAX
          ? null
          : (
            <button type="button" disabled={state.isReading} onClick={() => void search.earlier()}>
              Search earlier output
            </button>
          )}
        {query.until !== ""
          ? null
          : <button type="button" aria-pressed={follows} onClick={() => setFollows(!follows)}>Follow</button>}
        <span class="calm-text" role="status">{summaryOf(state)}</span>
        <span class="grow" />
        <CopyButton text={`${location.origin}${hrefOf("")}`} word="Copy link of the search" />
      </div>
      <LineList
        lines={lines}
        changed={lines.length}
        offset={-state.earlier}
        resets=""
        selected={selected}
        onSelect={select}
        hrefOf={hrefOf}
      />
      {found === undefined ? null : (
        <SelectedLine
          line={found}
          href={lineAddress(query, linkOf(found), found.atMs)}
          onClose={() => select(undefined)}
        >
          <a class="id" href={`/deployments/${found.deploymentId}`}>{found.deploymentId}</a>
          <span>{found.region}</span>
          <a href={linkedSearch(found.deploymentId, linkOf(found), found.atMs)}>Lines around it</a>
        </SelectedLine>
      )}
      {selected !== "" && line === undefined && !state.isReading
        ? <p role="status">The line of the link was not found: it is not kept any more, or does not match.</p>
        : null}
      {query.deployment === "" && slug === undefined ? null : (
        <>
          <p class="calm-text">The same in a terminal:</p>
          <Command text={commandOf(query, slug ?? "")} />
        </>
      )}
    </section>
  );
}

/** The number of lines, and how far back the search looked. */
export function summaryOf(state: SearchState): string {
  const { lines, isReading, cursor, searchedSinceMs, deploymentsLeftOut } = state;
  const number = count(lines.length, "line");
  if (isReading) return `${number}, searching …`;
  if (cursor !== "") return `${number}; searched back to ${new Date(searchedSinceMs).toISOString()}.`;
  return deploymentsLeftOut
    ? `${number}; the newest 200 deployments that have output were searched.`
    : `${number}; all of that time was searched.`;
}
