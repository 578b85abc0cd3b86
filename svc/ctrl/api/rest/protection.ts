/** The routes of passwords for visitors, and of links that stand for them. */
import { z } from "zod";
import { EnvironmentService } from "../../../../proto/gen/ctrl/v1/environment_pb.ts";
import { revokeShareLinks } from "../../services/environment/revoke_links.ts";
import { type ProtectionChange, setProtection } from "../../services/environment/set_protection.ts";
import { createShareLink } from "../../services/environment/share_link.ts";
import { ENVIRONMENT_MISSING, saying } from "./deploy.ts";
import { PROJECT } from "./examples.ts";
import { answer, defineRoute, ok } from "./route.ts";
import { createShareLinkBody, revokeShareLinksBody, setProtectionBody } from "./schemas.ts";
import { protectionShape, time } from "./shapes.ts";

const missing = saying(ENVIRONMENT_MISSING, "environment_not_found");

export const setProtectionRoute = defineRoute({
  name: "setProtection",
  tag: "Settings",
  summary: "Sets or ends the password that visitors of an environment, or of all previews, have to give.",
  rpc: EnvironmentService.method.setProtection,
  body: setProtectionBody,
  example: { projectId: PROJECT, generate: true as const },
  answers: {
    200: answer(
      "All environments of the project; the password, if it was made here.",
      z.object({
        environments: z.array(z.object({ slug: z.string(), protection: protectionShape.optional() })),
        password: z.string().optional(),
      }),
      {
        environments: [{ slug: "preview", protection: "previews" as const }, { slug: "production" }],
        password: "K7M2X-9QXPA-34TRV-ZZ8HN",
      },
    ),
  },
  problems: [404, 412],
  async run({ deps: { environment: deps }, caller, body }) {
    const { projectId, environmentSlug = "" } = body;
    const order = { projectId, environmentSlug, change: changeOf(body) };
    const { environments, password } = await setProtection(deps, caller, order).catch(missing);
    return ok({
      environments: environments.map(({ slug, protection }) => ({
        slug,
        ...(protection === undefined ? {} : { protection }),
      })),
      ...(password === undefined ? {} : { password }),
    });
  },
});

export const createShareLinkRoute = defineRoute({
  name: "createShareLink",
  tag: "Settings",
  summary: "Makes a link that shows a protected environment, or one deployment, until it ends.",
  rpc: EnvironmentService.method.createShareLink,
  body: createShareLinkBody,
  example: { projectId: PROJECT, environmentSlug: "preview", validSeconds: 86_400 },
  answers: {
    200: answer(
      "A link for each host name, and its token for the header `X-Unkey-Share`.",
      z.object({ token: z.string(), urls: z.array(z.string()), endsAt: time }),
      {
        token: "e1800086400.Zb1pHnQw0cVqJ2s5d7f9h1k3m5n7p9r1t3v5x7z9ABC",
        urls: ["https://shop-preview-acme.example.com/?unkey_share=e1800086400.Zb1p"],
        endsAt: 1_800_086_400_000,
      },
    ),
  },
  problems: [404, 412],
  async run({ deps: { environment: deps }, caller, body }) {
    const { projectId, environmentSlug: slug, deploymentId: id = "", validSeconds = 0 } = body;
    const target = slug === undefined
      ? { kind: "deployment", id } as const
      : { kind: "environment", slug } as const;
    const order = { projectId, target, validSeconds };
    const { token, urls, endsAtMs } = await createShareLink(deps, caller, order).catch(missing);
    return ok({ token, urls: [...urls], endsAt: endsAtMs });
  },
});

export const revokeShareLinksRoute = defineRoute({
  name: "revokeShareLinks",
  tag: "Settings",
  summary: "Ends all links and cookies of a password, which stays.",
  rpc: EnvironmentService.method.revokeShareLinks,
  body: revokeShareLinksBody,
  example: { projectId: PROJECT },
  answers: {
    200: answer(
      "The environments whose links have ended.",
      z.object({ environmentSlugs: z.array(z.string()) }),
      { environmentSlugs: ["preview"] },
    ),
  },
  problems: [404, 412],
  async run({ deps: { environment: deps }, caller, body: { projectId, environmentSlug = "" } }) {
    const slugs = await revokeShareLinks(deps, caller, { projectId, environmentSlug }).catch(missing);
    return ok({ environmentSlugs: [...slugs] });
  },
});

/** The body has exactly one of them. */
function changeOf(
  { password, off }: { readonly password?: string | undefined; readonly off?: true | undefined },
): ProtectionChange {
  if (password !== undefined) return { kind: "password", password };
  return { kind: off === true ? "off" : "generate" };
}
