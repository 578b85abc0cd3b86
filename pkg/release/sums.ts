import { publicFault } from "../fault/mod.ts";
import { verifies } from "./signature.ts";
import { archiveName, type Target, TARGETS } from "./targets.ts";

/** The file that lists all others, in the form of `sha256sum`. Its signature is in the file of this name with `.sig`. */
export const SUMS = "SHA256SUMS";

const LINE = /^(?<sha256>[0-9a-f]{64}) [ *](?<name>[A-Za-z0-9][A-Za-z0-9._-]{0,127})$/;
const FILES_MAX = 100;
const VERSION = /^\d{1,6}\.\d{1,6}\.\d{1,6}$/;

export interface ReleaseFile {
  readonly name: string;
  readonly sha256: string;
}

/** A release whose list of files the publisher has signed. */
export interface Release {
  readonly version: string;
  readonly files: readonly ReleaseFile[];
  /** The archive with the executable for a system; `undefined` when the release has none. */
  fileFor(system: { readonly os: string; readonly arch: string }): ReleaseFile | undefined;
}

export interface SignedSums {
  readonly sums: string;
  readonly signature: string;
  readonly publicKey: string;
}

/**
 * Reads a list of files. The version is the one in their names, which the signature covers, too: a list of one release cannot
 * pass for that of another.
 *
 * @throws `failed_precondition` when the signature is not the publisher's, or the list is no release's
 */
export function openRelease({ sums, signature, publicKey }: SignedSums): Release {
  if (!verifies(sums, signature, publicKey)) {
    throw publicFault(
      "failed_precondition",
      `The signature of the release's ${SUMS} is not the publisher's, so nothing of it is used. ` +
        "Check the URL, and what is between it and this machine.",
    );
  }
  const files = sums.split("\n").filter((line) => line !== "").slice(0, FILES_MAX).map(parseLine);
  const versions = new Set(files.flatMap(({ name }) => versionIn(name)));
  const [version] = versions;
  if (version === undefined || versions.size > 1) throw noRelease(`it names ${versions.size} versions`);
  return {
    version,
    files,
    fileFor({ os, arch }) {
      const target = targetOf(os, arch);
      const name = target === undefined ? undefined : archiveName(version, target);
      return files.find((file) => file.name === name);
    },
  };
}

/** Windows on ARM runs programs for x64. */
function targetOf(os: string, arch: string): Target | undefined {
  const runs = os === "windows" ? "x86_64" : arch;
  return TARGETS.find((target) => target.os === os && target.arch === runs);
}

function parseLine(line: string): ReleaseFile {
  const { sha256, name } = LINE.exec(line)?.groups ?? {};
  if (sha256 === undefined || name === undefined) throw noRelease("a line of it is none of sha256sum");
  return { sha256, name };
}

function versionIn(name: string): string[] {
  const [, version] = /^unkey-(\d+\.\d+\.\d+)-/.exec(name) ?? [];
  return version === undefined ? [] : [version];
}

function noRelease(why: string): Error {
  return publicFault("failed_precondition", `The ${SUMS} of the release cannot be read: ${why}.`);
}

/** The URL of a file of the newest release, or of the release with a version. */
export function fileUrl(url: string, version: string | undefined, name: string): string {
  const base = url.replace(/(?<!\/)\/+$/, "");
  return version === undefined ? `${base}/latest/download/${name}` : `${base}/download/v${version}/${name}`;
}

/** Negative when the first one is older. @throws `invalid_argument` for what is no `major.minor.patch` */
export function compareVersions(one: string, other: string): number {
  const [left, right] = [numbersOf(one), numbersOf(other)];
  const at = left.findIndex((part, index) => part !== right[index]);
  return at === -1 ? 0 : (left[at] ?? 0) - (right[at] ?? 0);
}

function numbersOf(version: string): number[] {
  if (VERSION.test(version)) return version.split(".").map(Number);
  throw publicFault("invalid_argument", `"${version}" is no version: give one such as 0.2.0.`);
}
