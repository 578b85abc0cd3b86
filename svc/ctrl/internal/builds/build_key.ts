import { digestOf, sha256Hex } from "../../../../pkg/hash/mod.ts";

/** All that decides an image, but for images and URLs that the Dockerfile names. */
export interface BuildKeyParts {
  /** Of the context. */
  readonly contentId: string;
  readonly dockerfile: { readonly path: string; readonly content: Uint8Array };
  /** Empty: the builder's own. */
  readonly platform: string;
  /** Empty: the last stage. */
  readonly target: string;
  readonly arguments: Readonly<Record<string, string>>;
  /** Of all values that must not be found by trying; empty where the build can read none. */
  readonly secretsDigest: string;
}

/** Goes up with each change of what decides an image, so that no image of an earlier version is found. */
const FORMAT = 1;

/** Equal for two builds whose images are interchangeable. */
export function buildKey(parts: BuildKeyParts): string {
  const { contentId, dockerfile, platform, target, secretsDigest } = parts;
  const values = Object.entries(parts.arguments).toSorted(([a], [b]) => a < b ? -1 : 1);
  const { path, content } = dockerfile;
  return digestOf([FORMAT, contentId, path, sha256Hex(content), platform, target, values, secretsDigest]);
}

/** Quotes and escape characters, with a line's end that is escaped. */
const SPLIT = /["'`\\](?:[ \t]*\r?\n[ \t]*)?/g;
const COMMENT = /^[ \t]*#.*(?:\n|$)/gm;

/**
 * True when the word stands anywhere in a Dockerfile, also split by quotes or over continued lines, with comments in between. It may be
 * true without need, which costs a build; the opposite would run a wrong image.
 */
export function mentions(dockerfile: string, word: string): boolean {
  const texts = [dockerfile, dockerfile.replace(COMMENT, "")];
  return texts.some((text) => text.replace(SPLIT, "").includes(word));
}
