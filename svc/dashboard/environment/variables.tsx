/// <reference lib="dom" />
/** Variables of an environment: names and times. Values go in and are never shown. */
import type { JSX } from "preact";
import { useState } from "preact/hooks";
import type { EnvironmentVariable } from "../../../proto/gen/ctrl/v1/admin_pb.ts";
import type { Deployment } from "../../../proto/gen/ctrl/v1/deployment_pb.ts";
import type { Api } from "../api/clients.ts";
import { count, plain } from "../text/format.ts";
import type { SimpleAct } from "../ui/act.tsx";
import { Field, Form } from "../ui/form.tsx";
import { Ago, Command, Table } from "../ui/parts.tsx";
import { changedVariables, type Place } from "./read.ts";

export interface VariablesProps {
  readonly api: Pick<Api, "admin" | "deployments">;
  readonly place: Place;
  /** `--project <slug> --env <slug>` */
  readonly flags: string;
  readonly variables: readonly EnvironmentVariable[];
  readonly live: Deployment | undefined;
  readonly nowMs: number;
  readonly onAct: (act: SimpleAct) => void;
}

export function Variables(props: VariablesProps): JSX.Element {
  const { api, place, flags, variables, live, nowMs, onAct } = props;
  const changed = new Set(changedVariables(variables, live));
  const remove = (key: string): SimpleAct => ({
    title: `Remove ${key}?`,
    word: "Remove",
    command: `unkey variables remove ${key} ${flags}`,
    text: <p>Later deployments do not get it. Those that run keep it until they are redeployed.</p>,
    run: async (options) => void await api.admin.removeEnvironmentVariable({ ...place, key }, options),
  });
  return (
    <section>
      <h2>Variables</h2>
      {live === undefined || changed.size === 0 ? null : (
        <p class="bar">
          {count(changed.size, "variable")} changed since the live deployment was created.
          <button type="button" onClick={() => onAct(redeployOf(api, live))}>Redeploy</button>
        </p>
      )}
      {variables.length === 0 ? <p class="calm-text">There are none.</p> : (
        <Table
          label="Variables"
          columns={["name", "value", "set", <span class="unseen" key="action">action</span>]}
        >
          {variables.map(({ key, updatedAt }) => (
            <tr key={key}>
              <th scope="row">
                <code>{plain(key)}</code>
                {changed.has(key) ? <span class="tag">not live yet</span> : null}
              </th>
              <td class="calm-text">never shown</td>
              <td>
                <Ago atMs={Number(updatedAt)} nowMs={nowMs} />
              </td>
              <td>
                <button
                  type="button"
                  aria-label={`Remove ${plain(key)}`}
                  onClick={() => onAct(remove(plain(key)))}
                >
                  remove
                </button>
              </td>
            </tr>
          ))}
        </Table>
      )}
      <SetVariable {...props} />
    </section>
  );
}

function SetVariable({ api, place, flags }: VariablesProps): JSX.Element {
  const [name, setName] = useState("");
  const [value, setValue] = useState("");
  const send = async (options: { readonly signal: AbortSignal }): Promise<string> => {
    await api.admin.setEnvironmentVariables({ ...place, variables: { [name]: value } }, options);
    setName("");
    setValue("");
    return `${name} is set for later deployments.`;
  };
  return (
    <>
      <Form label="Set a variable" button="Set" onSend={send}>
        <Field label="Name" value={name} onValue={setName} required />
        <Field label="Value" type="password" value={value} onValue={setValue} />
      </Form>
      <Command text={`unkey variables set ${name.trim() === "" ? "NAME" : plain(name.trim())} ${flags}`} />
    </>
  );
}

/** Deploys the same image again, with the variables and settings as they are now. */
export function redeployOf(api: Pick<Api, "deployments">, { id }: Deployment): SimpleAct {
  return {
    title: "Redeploy",
    word: "Redeploy",
    command: `unkey redeploy ${id}`,
    text: (
      <p>
        The image of {id} is deployed again with the variables and settings as they are now. Nothing is built.
      </p>
    ),
    run: async (options) => {
      const { deploymentId } = await api.deployments.createDeployment({ redeployOf: id }, options);
      return (
        <p>
          It goes on: <a href={`/deployments/${deploymentId}`}>{deploymentId}</a>
        </p>
      );
    },
  };
}
