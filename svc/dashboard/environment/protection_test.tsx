/** The protection of an environment: its acts, and what each of them answers. */
import { createClient, createRouterTransport } from "@connectrpc/connect";
import assert from "node:assert/strict";
import { renderToString } from "preact-render-to-string";
import { EnvironmentService, Protection as Kind } from "../../../proto/gen/ctrl/v1/environment_pb.ts";
import { Protection, protectionActs } from "./protection.tsx";

const PLACE = { projectId: "proj_1", environmentSlug: "preview" };

/** A control plane that notes what it was asked, and answers with a password and a link. */
function noting(url: string) {
  const asked: unknown[] = [];
  const transport = createRouterTransport((router) =>
    void router.service(EnvironmentService, {
      setProtection: ({ environmentSlug, change }) => {
        asked.push([environmentSlug, change.case]);
        return { password: change.case === "generate" ? "tall-river-42" : "" };
      },
      createShareLink: ({ target }) => {
        asked.push(target);
        return { urls: [url], endsAt: 1_800_000_000_000n };
      },
      revokeShareLinks: ({ environmentSlug }) => {
        asked.push(environmentSlug);
        return { environmentSlugs: ["preview", "staging"] };
      },
    })
  );
  return { asked, api: { environments: createClient(EnvironmentService, transport) } };
}

async function answers(protection: Kind, url = "http://shop.localhost/?_unkey=t") {
  const { asked, api } = noting(url);
  const options = { signal: new AbortController().signal };
  const shown: [word: string, command: string, answer: string][] = [];
  for (const act of protectionActs({ api, place: PLACE, projectSlug: "shop", protection })) {
    const answer = await act.run(options);
    const html = answer === undefined ? "" : renderToString(answer);
    shown.push([act.word, act.command, html.replaceAll(/<[^>]*>/g, " ").replaceAll(/\s+/g, " ").trim()]);
  }
  return { asked, shown };
}

Deno.test("an open environment gets a password, which is shown once", async () => {
  const { asked, shown } = await answers(Kind.UNSPECIFIED);
  assert.deepEqual(asked, [["preview", "generate"]]);
  assert.deepEqual(shown, [
    [
      "Set a password",
      "unkey protect preview --project shop",
      "The password is shown this once: tall-river-42 copy",
    ],
  ]);
});

Deno.test("a protected environment gets links, their end, another password, or none", async () => {
  const { asked, shown } = await answers(Kind.OWN);
  assert.deepEqual(asked, [
    ["preview", "generate"],
    { case: "environmentSlug", value: "preview" },
    "preview",
    ["preview", "off"],
  ]);
  assert.deepEqual(shown.slice(1), [
    [
      "Make a link",
      "unkey share preview --project shop",
      "http://shop.localhost/?_unkey=t copy ends 2027-01-15T08:00Z",
    ],
    [
      "End all links",
      "unkey share preview --project shop --revoke-all",
      "The links of preview, staging have ended.",
    ],
    ["Let everybody see it", "unkey protect preview --project shop --off", ""],
  ]);
});

Deno.test("a link that is none of the web is not offered", async () => {
  const { shown } = await answers(Kind.PREVIEWS, "javascript:alert(1)");
  assert.equal(shown[1]?.[2], "It has no host name yet, so that there is no link.");
});

Deno.test("the kind of protection is said in a sentence", () => {
  const { api } = noting("");
  const textOf = (protection: Kind): string =>
    renderToString(
      <Protection {...{ api, protection }} place={PLACE} projectSlug="shop" onAct={() => undefined} />,
    );
  assert.match(textOf(Kind.UNSPECIFIED), /Everybody may see it\./);
  assert.match(textOf(Kind.PREVIEWS), /the password that all previews of the project share/);
});
