/// <reference lib="dom" />
import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import { plain } from "../text/format.ts";
import { Choice, Field } from "../ui/form.tsx";
import { LEVELS, type LogQuery, RANGES } from "./query.ts";
import type { Scopes } from "./scopes.ts";

/** A time that the form does not offer, such as that of a link. */
function rangeChoices(since: string): readonly (readonly [string, string])[] {
  const words: readonly (readonly [string, string])[] = RANGES.map((each) => [each, `last ${each}`]);
  const other: readonly (readonly [string, string])[] = since === "" || RANGES.some((each) => each === since)
    ? []
    : [[since, `since ${since}`]];
  return [["", "all that is kept"], ...words, ...other];
}

/** The fields of a query. Nothing is searched before they are sent. */
export function SearchForm(
  { query, scopes, onProject, onSearch }: {
    readonly query: LogQuery;
    readonly scopes: Scopes;
    /** A project was chosen, whose environments the form needs. */
    readonly onProject: (id: string) => void;
    readonly onSearch: (query: LogQuery) => void;
  },
): JSX.Element {
  const [edited, setEdited] = useState(query);
  useEffect(() => setEdited(query), [query]);
  const set = (changes: Partial<LogQuery>): void => setEdited({ ...edited, ...changes });
  const send = (event: Event): void => {
    event.preventDefault();
    onSearch({ ...edited, text: edited.text.trim(), line: "" });
  };
  const setProject = (project: string): void => {
    set({ project, environment: "", deployment: "" });
    onProject(project);
  };
  return (
    <form class="fields" role="search" aria-label="Search the output" onSubmit={send}>
      {edited.deployment === "" ? null : (
        <Choice
          label="Deployment"
          value={edited.deployment}
          options={[[edited.deployment, edited.deployment], ["", "all of a project"]]}
          onValue={(deployment) => set({ deployment })}
        />
      )}
      {edited.deployment !== "" ? null : (
        <>
          <Choice
            label="Project"
            value={edited.project}
            options={[
              ...edited.project === "" ? [["", "choose one"] as const] : [],
              ...(scopes.projects ?? []).map(({ id, slug }) => [id, plain(slug)] as const),
            ]}
            onValue={setProject}
          />
          <Choice
            label="Environment"
            value={edited.environment}
            options={[
              ["", "all"],
              ...scopes.environments.map(({ slug }) => [slug, plain(slug)] as const),
            ]}
            onValue={(environment) => set({ environment })}
          />
        </>
      )}
      <Field label="Words" value={edited.text} onValue={(text) => set({ text })} hint="connection refus*" />
      <Choice
        label="Level"
        value={edited.level}
        options={[["", "any"], ...LEVELS.map((each) => [each, `${each} or worse`] as const)]}
        onValue={(level) => set({ level })}
      />
      <Choice
        label="Time"
        value={edited.since}
        options={rangeChoices(edited.since)}
        onValue={(since) => set({ since })}
      />
      <Field
        label="Before"
        type="datetime-local"
        value={localTime(edited.until)}
        onValue={(time) => set({ until: isoTime(time) })}
      />
      <Field label="Region" value={edited.region} onValue={(region) => set({ region })} hint="all" />
      <Field label="Instance" value={edited.instance} onValue={(instance) => set({ instance })} hint="all" />
      <button type="submit" class="act">Search</button>
    </form>
  );
}

/** A time of the address as a field has it, in the browser's zone. */
function localTime(time: string): string {
  const ms = Date.parse(time);
  if (Number.isNaN(ms)) return "";
  const zoneMs = new Date(ms).getTimezoneOffset() * 60_000;
  return new Date(ms - zoneMs).toISOString().slice(0, 19);
}

function isoTime(local: string): string {
  const ms = Date.parse(local);
  return Number.isNaN(ms) ? "" : new Date(ms).toISOString();
}
