/// <reference lib="dom" />
/** Size and settings of an environment's later deployments. */
import type { JSX } from "preact";
import { useState } from "preact/hooks";
import type { Environment } from "../../../proto/gen/ctrl/v1/admin_pb.ts";
import type { AppSettings } from "../../../proto/gen/ctrl/v1/deployment_pb.ts";
import type { Api } from "../api/clients.ts";
import { duration, plain } from "../text/format.ts";
import { Field, Form } from "../ui/form.tsx";
import { Command } from "../ui/parts.tsx";
import type { Place } from "./read.ts";

export function Size(
  { api, place, projectSlug, environment }: {
    readonly api: Pick<Api, "environments">;
    readonly place: Place;
    readonly projectSlug: string;
    readonly environment: Environment;
  },
): JSX.Element {
  const { size, idleEndSeconds, app } = environment;
  const [cpu, setCpu] = useState("");
  const [memory, setMemory] = useState("");
  const [replicas, setReplicas] = useState("");
  const send = async (options: { readonly signal: AbortSignal }): Promise<string> => {
    const wanted = {
      cpuMillicores: Number(cpu),
      memoryMib: Number(memory),
      replicas: Number(replicas),
    };
    await api.environments.setSize({ ...place, size: wanted }, options);
    for (const empty of [setCpu, setMemory, setReplicas]) empty("");
    return "It holds for later deployments; a redeploy gives it to what runs.";
  };
  const flags = [
    cpu === "" ? "" : ` --cpu ${cpu}m`,
    memory === "" ? "" : ` --memory ${memory}`,
    replicas === "" ? "" : ` --replicas ${replicas}`,
  ].join("");
  const command = `unkey scale ${place.environmentSlug} --project ${projectSlug}${flags}`;
  return (
    <section>
      <h2>Size and settings</h2>
      <dl>
        <dt>CPU</dt>
        <dd>{(size?.cpuMillicores ?? 0) / 1_000} cores</dd>
        <dt>memory</dt>
        <dd>{size?.memoryMib ?? 0} MiB</dd>
        <dt>instances</dt>
        <dd>{(size?.replicas ?? 0) === 0 ? "the operator's number" : `${size?.replicas} in each region`}</dd>
        <dt>idle end</dt>
        <dd>
          {idleEndSeconds === 0n
            ? "never"
            : `after ${duration(Number(idleEndSeconds) * 1_000)} without a request`}
        </dd>
        {settingsOf(app).map(([name, value]) => [<dt key={name}>{name}</dt>, <dd key={value}>{value}</dd>])}
      </dl>
      <Form label="Set the size" button="Set" onSend={send}>
        <Field label="CPU (millicores)" type="number" value={cpu} onValue={setCpu} />
        <Field label="Memory (MiB)" type="number" value={memory} onValue={setMemory} />
        <Field label="Instances" type="number" value={replicas} onValue={setReplicas} />
      </Form>
      <Command text={command} />
    </section>
  );
}

/** The settings that are set, as names and values. */
function settingsOf(app: AppSettings | undefined): readonly (readonly [name: string, value: string])[] {
  if (app === undefined) return [];
  const all: readonly (readonly [string, string])[] = [
    ["port", app.port === 0 ? "" : String(app.port)],
    ["command", app.command.join(" ")],
    ["start within", app.startSeconds === 0 ? "" : `${app.startSeconds} s`],
    ["stop signal", app.stopSignal],
  ];
  return all.filter(([, value]) => value !== "").map(([name, value]) => [name, plain(value)]);
}
