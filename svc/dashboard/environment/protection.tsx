/// <reference lib="dom" />
/** The password of an environment's visitors, and links that let in without it. A password is shown when it is made, and never again. */
import type { JSX } from "preact";
import { Protection as Kind } from "../../../proto/gen/ctrl/v1/environment_pb.ts";
import type { Api } from "../api/clients.ts";
import { plain, safeUrl } from "../text/format.ts";
import type { SimpleAct } from "../ui/act.tsx";
import { CopyButton } from "../ui/parts.tsx";
import type { Place } from "./read.ts";

export interface ProtectionProps {
  readonly api: Pick<Api, "environments">;
  readonly place: Place;
  readonly projectSlug: string;
  readonly protection: Kind;
  readonly onAct: (act: SimpleAct) => void;
}

const TEXTS: Readonly<Record<Kind, string>> = {
  [Kind.UNSPECIFIED]: "Everybody may see it.",
  [Kind.OWN]: "Visitors give a password of this environment.",
  [Kind.PREVIEWS]: "Visitors give the password that all previews of the project share.",
};

export function Protection(props: ProtectionProps): JSX.Element {
  return (
    <section>
      <h2>Protection</h2>
      <p>{TEXTS[props.protection] ?? TEXTS[Kind.UNSPECIFIED]}</p>
      <p class="bar">
        {protectionActs(props).map((act) => (
          <button
            key={act.word}
            type="button"
            onClick={() => props.onAct(act)}
          >
            {act.word}
          </button>
        ))}
      </p>
    </section>
  );
}

/** The acts that make sense: a password, and where there is one, links and its end. */
export function protectionActs(
  { api, place, projectSlug, protection }: Omit<ProtectionProps, "onAct">,
): readonly SimpleAct[] {
  const { environmentSlug: slug } = place;
  const project = `--project ${projectSlug}`;
  const isProtected = protection !== Kind.UNSPECIFIED;
  const password: SimpleAct = {
    title: `Ask the visitors of ${slug} for a password?`,
    word: isProtected ? "New password" : "Set a password",
    command: `unkey protect ${slug} ${project}`,
    text: <p>A password is made for this environment. Links and cookies of a former one end.</p>,
    run: async (options) => {
      const change = { case: "generate", value: true } as const;
      const answer = await api.environments.setProtection({ ...place, change }, options);
      return <Secret label="The password is shown this once:" text={answer.password} />;
    },
  };
  if (!isProtected) return [password];
  return [password, {
    title: `Make a link to ${slug}`,
    word: "Make a link",
    command: `unkey share ${slug} ${project}`,
    text: <p>The link lets in without the password, as often as it is used, for a day.</p>,
    run: async (options) => {
      const target = { case: "environmentSlug", value: slug } as const;
      const { urls, endsAt } = await api.environments.createShareLink(
        { projectId: place.projectId, target },
        options,
      );
      return <Link url={urls[0] ?? ""} endsAtMs={Number(endsAt)} />;
    },
  }, {
    title: "End all links?",
    word: "End all links",
    command: `unkey share ${slug} ${project} --revoke-all`,
    text: <p>Links end at once, and browsers ask for the password again. The password stays.</p>,
    run: async (options) => {
      const { environmentSlugs } = await api.environments.revokeShareLinks(place, options);
      return <p>The links of {environmentSlugs.map(plain).join(", ")} have ended.</p>;
    },
  }, {
    title: `Let everybody see ${slug}?`,
    word: "Let everybody see it",
    command: `unkey protect ${slug} ${project} --off`,
    text: <p>No visitor is asked for a password any more.</p>,
    run: async (options) => {
      const change = { case: "off", value: true } as const;
      await api.environments.setProtection({ ...place, change }, options);
      return undefined;
    },
  }];
}

function Secret({ label, text }: { readonly label: string; readonly text: string }): JSX.Element {
  return (
    <>
      <p>{label}</p>
      <p class="bar">
        <code>{plain(text)}</code>
        <CopyButton text={text} word="copy" label="Copy the password" />
      </p>
    </>
  );
}

function Link(
  { url, endsAtMs }: { readonly url: string; readonly endsAtMs: number },
): JSX.Element {
  const href = safeUrl(url);
  if (href === undefined) return <p>It has no host name yet, so that there is no link.</p>;
  return (
    <>
      <p class="address">
        <a href={href} target="_blank" rel="noreferrer noopener">{href}</a>
      </p>
      <p class="bar">
        <CopyButton text={href} word="copy" label="Copy the link" />
        <span>ends {new Date(endsAtMs).toISOString().slice(0, 16)}Z</span>
      </p>
    </>
  );
}
