/// <reference lib="dom" />
/** The number of instances by the load: bounds and targets, what each region has, and the last changes with their reasons. */
import type { JSX } from "preact";
import { useState } from "preact/hooks";
import type {
  InstanceEvent,
  ScaledRegion,
  ScalingSettings,
} from "../../../proto/gen/ctrl/v1/deployment_pb.ts";
import type { Api } from "../api/clients.ts";
import { duration, plain } from "../text/format.ts";
import type { SimpleAct } from "../ui/act.tsx";
import { Field, Form } from "../ui/form.tsx";
import { Ago, Command, Table } from "../ui/parts.tsx";
import type { Place } from "./read.ts";

export interface ScalingProps {
  readonly api: Pick<Api, "environments">;
  readonly place: Place;
  readonly projectSlug: string;
  /** Of the environment; absent: the number is fixed. */
  readonly settings: ScalingSettings | undefined;
  /** Of the live deployment. */
  readonly regions: readonly ScaledRegion[];
  /** Newest first. */
  readonly changes: readonly InstanceEvent[];
  readonly nowMs: number;
  readonly onAct: (act: SimpleAct) => void;
}

export function Scaling(props: ScalingProps): JSX.Element {
  const { api, place, projectSlug, settings, regions, changes, nowMs, onAct } = props;
  const fix: SimpleAct = {
    title: "Keep the number of instances as it is?",
    word: "Fix the number",
    command: `unkey scale ${place.environmentSlug} --project ${projectSlug} --fixed`,
    text: <p>It follows the load no more.</p>,
    run: async (options) =>
      void await api.environments.setAppSettings({ ...place, reset: ["scaling"] }, options),
  };
  return (
    <section>
      <h2>Scaling</h2>
      <p class="bar">
        {settings === undefined ? "The number of instances is fixed." : scalingText(settings)}
        {settings === undefined
          ? null
          : <button type="button" onClick={() => onAct(fix)}>Fix the number</button>}
      </p>
      {regions.length === 0 ? null : <Regions regions={regions} nowMs={nowMs} />}
      {changes.length === 0 ? null : <Changes changes={changes} nowMs={nowMs} />}
      <SetScaling {...props} />
    </section>
  );
}

/** E.g. `1 to 5 in each region, for 70 % of the CPU and 50 requests at a time; fewer after 5 min.` */
export function scalingText(
  { min, max, cpuPercent, concurrency, downSeconds }: ScalingSettings,
): string {
  const targets = [
    ...cpuPercent === 0 ? [] : [`${cpuPercent} % of the CPU`],
    ...concurrency === 0 ? [] : [`${concurrency} requests at a time`],
  ];
  const fewer = duration((downSeconds || DOWN_SECONDS) * 1_000);
  return `${min || 1} to ${max} in each region, for ${targets.join(" and ")}; fewer after ${fewer}.`;
}

/** The default of the platform. */
const DOWN_SECONDS = 300;

function Regions(
  { regions, nowMs }: { readonly regions: readonly ScaledRegion[]; readonly nowMs: number },
): JSX.Element {
  return (
    <Table label="Instances by the load" columns={["region", "running", "bounds", "last change", "why"]}>
      {regions.map((each) => (
        <tr key={each.region}>
          <th scope="row">{plain(each.region)}</th>
          <td>{each.running} of {each.desired}</td>
          <td>{each.min} to {each.max}</td>
          <td>
            {each.changedAt === 0n ? "none yet" : (
              <>
                {each.changedFrom} to {each.desired}, <Ago atMs={Number(each.changedAt)} nowMs={nowMs} />
              </>
            )}
          </td>
          <td class="wrap">{plain(each.reason)}</td>
        </tr>
      ))}
    </Table>
  );
}

function Changes(
  { changes, nowMs }: { readonly changes: readonly InstanceEvent[]; readonly nowMs: number },
): JSX.Element {
  return (
    <Table label="Last changes of the number" columns={["when", "region", "change"]}>
      {changes.map((each, at) => (
        <tr key={at}>
          <th scope="row">
            <Ago atMs={Number(each.lastAt)} nowMs={nowMs} />
          </th>
          <td>{plain(each.region)}</td>
          <td class="wrap">{plain(each.message)}</td>
        </tr>
      ))}
    </Table>
  );
}

/** Fields of the form: the flag of the command, the key of the setting, and the label. */
const FIELDS = [
  ["min", "min", "Fewest instances"],
  ["max", "max", "Most instances"],
  ["target-cpu", "cpuPercent", "CPU (percent)"],
  ["target-concurrency", "concurrency", "Requests at a time"],
  ["down-after", "downSeconds", "Fewer after (seconds)"],
] as const;
type Key = (typeof FIELDS)[number][1];
const NOTHING: Readonly<Record<Key, string>> = {
  min: "",
  max: "",
  cpuPercent: "",
  concurrency: "",
  downSeconds: "",
};

function SetScaling({ api, place, projectSlug }: ScalingProps): JSX.Element {
  const [values, setValues] = useState(NOTHING);
  const send = async (options: { readonly signal: AbortSignal }): Promise<string> => {
    const given = FIELDS.filter(([, key]) => values[key] !== "")
      .map(([, key]): [string, number] => [key, Number(values[key])]);
    const settings = { scaling: Object.fromEntries(given) };
    const answer = await api.environments.setAppSettings({ ...place, settings }, options);
    setValues(NOTHING);
    const set = answer.settings?.scaling;
    return set === undefined ? "Nothing is set." : `It holds now: ${scalingText(set)}`;
  };
  const flags = FIELDS.filter(([, key]) => values[key] !== "")
    .map(([flag, key]) => ` --${flag} ${values[key]}${key === "downSeconds" ? "s" : ""}`);
  const given = flags.length === 0 ? " --max 5 --target-cpu 70" : flags.join("");
  return (
    <>
      <Form label="Scale by the load" button="Set" onSend={send}>
        {FIELDS.map(([, key, label]) => (
          <Field
            key={key}
            label={label}
            type="number"
            value={values[key]}
            onValue={(value) => setValues((former) => ({ ...former, [key]: value }))}
          />
        ))}
      </Form>
      <Command text={`unkey scale ${place.environmentSlug} --project ${projectSlug}${given}`} />
    </>
  );
}
