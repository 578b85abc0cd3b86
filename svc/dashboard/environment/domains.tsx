/// <reference lib="dom" />
/** Domains of an environment: the answer of the DNS, the records to set, and a form for another one. */
import type { JSX } from "preact";
import { useState } from "preact/hooks";
import {
  type CustomDomain,
  CustomDomainStatus as Status,
} from "../../../proto/gen/ctrl/v1/custom_domain_pb.ts";
import type { Api } from "../api/clients.ts";
import { plain } from "../text/format.ts";
import type { SimpleAct } from "../ui/act.tsx";
import { Field, Form } from "../ui/form.tsx";
import { Ago, Command, Table, ToneBadge } from "../ui/parts.tsx";
import type { Place } from "./read.ts";

export interface DomainsProps {
  readonly api: Pick<Api, "domains">;
  readonly place: Place;
  readonly projectSlug: string;
  readonly domains: readonly CustomDomain[];
  readonly nowMs: number;
  readonly onAct: (act: SimpleAct) => void;
}

export function Domains(props: DomainsProps): JSX.Element {
  const { api, place, projectSlug, domains } = props;
  const [name, setName] = useState("");
  const send = async (options: { readonly signal: AbortSignal }): Promise<string> => {
    const { customDomain, created } = await api.domains.addCustomDomain(
      { ...place, domain: name },
      options,
    );
    setName("");
    const domain = plain(customDomain?.domain ?? name);
    return created ? `${domain} is added: its records are looked for.` : `${domain} was there.`;
  };
  const shown = name.trim() === "" ? "shop.example.com" : plain(name.trim());
  return (
    <section>
      <h2>Domains</h2>
      {domains.map((each) => <Domain key={each.id} {...props} domain={each} />)}
      {domains.length === 0 ? <p class="calm-text">There are none of your own.</p> : null}
      <Form label="Add a domain" button="Add" onSend={send}>
        <Field label="Domain" value={name} onValue={setName} hint="shop.example.com" required />
      </Form>
      <Command
        text={`unkey domains add ${shown} --project ${projectSlug} --env ${place.environmentSlug}`}
      />
    </section>
  );
}

const WORDS: Readonly<Record<Status, readonly [word: string, tone: "good" | "bad" | "busy" | "calm"]>> = {
  [Status.UNSPECIFIED]: ["unknown", "calm"],
  [Status.PENDING]: ["not checked yet", "busy"],
  [Status.VERIFYING]: ["records are looked for", "busy"],
  [Status.VERIFIED]: ["verified", "good"],
  [Status.FAILED]: ["failed", "bad"],
};

function Domain(
  { api, place, projectSlug, domain: given, nowMs, onAct }: DomainsProps & { readonly domain: CustomDomain },
): JSX.Element {
  const { domain, status, issues, records, reaches, redirectTo, checkedAt, certificate } = given;
  const [word, tone] = WORDS[status] ?? WORDS[Status.UNSPECIFIED];
  const isDone = status === Status.VERIFIED && reaches && issues.length === 0;
  const check = (options: { readonly signal: AbortSignal }): Promise<string> =>
    api.domains.verifyCustomDomain({ projectId: place.projectId, domain }, options)
      .then(() => "The DNS was asked.");
  const remove: SimpleAct = {
    title: `Remove ${domain}?`,
    word: "Remove",
    command: `unkey domains remove ${domain} --project ${projectSlug}`,
    text: (
      <p>
        Its route and certificate go at once. Remove its DNS record, too: a record that leads nowhere invites
        others to answer in its place.
      </p>
    ),
    run: async (options) => {
      await api.domains.deleteCustomDomain({ projectId: place.projectId, domain }, options);
      return undefined;
    },
  };
  return (
    <section class="card" aria-label={plain(domain)}>
      <h3>{plain(domain)}</h3>
      <p class="facts">
        <ToneBadge tone={tone} word={word} />
        {status === Status.VERIFIED ? <span>{reaches ? "leads here" : "does not lead here"}</span> : null}
        {redirectTo === "" ? null : <span>redirects to {plain(redirectTo)}</span>}
        {certificate === undefined ? null : <span>{certificateText(certificate.notAfter, nowMs)}</span>}
        {checkedAt === 0n ? null : (
          <span>
            checked <Ago atMs={Number(checkedAt)} nowMs={nowMs} />
          </span>
        )}
      </p>
      {issues.map(({ code, message, fix }) => (
        <p class="problem" key={code + message}>
          <strong>{plain(message)}</strong> {plain(fix)}
        </p>
      ))}
      {isDone
        ? null
        : (
          <Table label={`Records of ${plain(domain)}`} columns={["type", "name", "value", "for"]}>
            {records.map((each) => (
              <tr key={each.type + each.name + each.value}>
                <th scope="row">{plain(each.type)}</th>
                <td>
                  <code>{plain(each.name)}</code>
                </td>
                <td>
                  <code>{plain(each.value)}</code>
                </td>
                <td>
                  {each.purpose === "proof" ? "proves control" : "leads here"}
                  {each.required ? "" : ", if need be"}
                </td>
              </tr>
            ))}
          </Table>
        )}
      <div class="bar">
        <Form label={`Check of ${plain(domain)}`} button="Check now" onSend={check}>{null}</Form>
        <button type="button" aria-label={`Remove ${plain(domain)}`} onClick={() => onAct(remove)}>
          Remove
        </button>
      </div>
      <Command text={`unkey domains verify ${plain(domain)} --project ${projectSlug}`} />
    </section>
  );
}

const DAY_MS = 86_400_000;

function certificateText(notAfter: bigint, nowMs: number): string {
  if (notAfter === 0n) return "no certificate yet";
  return `certificate for ${Math.max(0, Math.floor((Number(notAfter) - nowMs) / DAY_MS))} more days`;
}
