import { z } from "zod";

const SCHEMA = z.strictObject({
  /** URL of the releases. */
  url: z.url({ protocol: /^https?$/ }),
  /** SubjectPublicKeyInfo of the key that signs releases, as base64. */
  publicKey: z.base64().min(1).max(200),
  packaging: z.enum(["archive", "npm"]),
  commit: z.string().max(64),
});

/** The facts that a release writes beside its program; a build of a checkout has none. */
export type BuildInfo = z.infer<typeof SCHEMA>;

/** `undefined` for a text that no release wrote. */
export function parseBuildInfo(text: string): BuildInfo | undefined {
  try {
    return SCHEMA.parse(JSON.parse(text));
  } catch {
    // A text of another form names no release.
    return undefined;
  }
}
