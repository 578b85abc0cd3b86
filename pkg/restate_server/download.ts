import { Buffer } from "node:buffer";
import { dirname, join } from "node:path";
import type { Clock } from "../clock/mod.ts";
import { downloadFile, type DownloadProgress, unpackFile } from "../download/mod.ts";
import { newDnsName } from "../uid/mod.ts";
import type { Release } from "./release.ts";

export interface RestateDownload {
  readonly url: string;
  readonly release: Release;
  /** Where the binary goes. */
  readonly path: string;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly onProgress: ((progress: DownloadProgress) => void) | undefined;
}

/** The binary inside the package. */
const BINARY = "package/bin/restate-server";
const SUBJECT = "Restate's server";
/** Three times what the tarball has today. */
const TARBALL_BYTES_MAX = 256 * 1024 * 1024;
const BINARY_BYTES_MAX = 1024 * 1024 * 1024;
const ADVICE = "Check the network and NPM_CONFIG_REGISTRY; behind a company's certificate authority " +
  "set DENO_TLS_CA_STORE=system,mozilla.";

/**
 * Puts the binary of `release` at `path`. It appears there whole or not at all, and only when the tarball's hash is the
 * pinned one; several processes may do this at once.
 *
 * @throws `failed_precondition` for another hash or a package without the binary, `unavailable` when it cannot be fetched
 */
export async function download({ release, path, ...options }: RestateDownload): Promise<void> {
  const folder = dirname(path);
  await Deno.mkdir(folder, { recursive: true });
  const tarball = join(folder, `.${newDnsName(16)}.tgz`);
  const binary = join(folder, `.${newDnsName(16)}`);
  try {
    const hash = { algorithm: "sha512", hex: Buffer.from(release.sha512, "base64").toString("hex") } as const;
    const common = { subject: SUBJECT, advice: ADVICE, bytesMax: TARBALL_BYTES_MAX };
    await downloadFile({ ...options, ...common, path: tarball, hash });
    const file = { archive: tarball, entry: BINARY, path: binary };
    await unpackFile({ ...file, bytesMax: BINARY_BYTES_MAX, subject: SUBJECT });
    await Deno.chmod(binary, 0o755);
    await Deno.rename(binary, path);
  } finally {
    await Deno.remove(tarball).catch(() => undefined); // it may not have been made
    await Deno.remove(binary).catch(() => undefined); // gone after the rename
  }
}
