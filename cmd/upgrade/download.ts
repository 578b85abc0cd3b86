import { dirname, join } from "node:path";
import { IdleAbort } from "../../pkg/async/mod.ts";
import type { Process } from "../../pkg/cli/mod.ts";
import { downloadFile, unpackFile } from "../../pkg/download/mod.ts";
import { Fault, publicFault } from "../../pkg/fault/mod.ts";
import { compareVersions, fileUrl, openRelease, type Release, SUMS } from "../../pkg/release/mod.ts";
import { newDnsName } from "../../pkg/uid/mod.ts";

/** Many times the list of any release. */
const SUMS_BYTES_MAX = 64 * 1024;
const ARCHIVE_BYTES_MAX = 256 * 1024 * 1024;
const PROGRAM_BYTES_MAX = 512 * 1024 * 1024;
const IDLE_MS_MAX = 30_000;
const ADVICE =
  "Check the network and --release-url; a proxy is named by HTTPS_PROXY, and behind a company's certificate " +
  "authority set DENO_TLS_CA_STORE=system,mozilla.";

type Ways = Pick<Process, "fetch" | "clock" | "signal">;

/** The newest release, or the one with a version. @throws `not_found`, `failed_precondition` for another signature, `unavailable` */
export async function fetchRelease(
  source: { readonly url: string; readonly publicKey: string; readonly version: string | undefined },
  ways: Ways,
): Promise<Release> {
  const { url, publicKey, version } = source;
  if (version !== undefined) compareVersions(version, version); // refuses what is no version before it is part of a URL
  const [sums, signature] = await Promise.all(
    [SUMS, `${SUMS}.sig`].map((name) => fetchText(fileUrl(url, version, name), ways)),
  );
  const release = openRelease({ sums: sums ?? "", signature: signature ?? "", publicKey });
  if (version === undefined || release.version === version) return release;
  throw publicFault(
    "failed_precondition",
    `${url} has the release ${release.version} in the place of ${version}.`,
  );
}

/** A small text file. */
async function fetchText(url: string, { fetch, clock, signal }: Ways): Promise<string> {
  const error = (): Error => new Error("nothing arrived");
  using idle = new IdleAbort({ clock, idleMs: IDLE_MS_MAX, signal, error });
  try {
    const response = await fetch(url, { signal: idle.signal });
    if (response.ok && response.body !== null) return await readText(response.body, url);
    await response.body?.cancel();
    if (response.status === 404) {
      throw publicFault("not_found", `There is no such release: ${url} was not found.`);
    }
    throw publicFault(
      "unavailable",
      `Cannot look for releases: ${url} answered ${response.status}. ${ADVICE}`,
    );
  } catch (error) {
    if (error instanceof Fault || signal.aborted) throw error;
    throw publicFault("unavailable", `Cannot look for releases at ${url}. ${ADVICE}`, error);
  }
}

async function readText(body: ReadableStream<Uint8Array>, url: string): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  for await (const chunk of body) {
    text += decoder.decode(chunk, { stream: true });
    if (text.length > SUMS_BYTES_MAX) {
      throw publicFault("too_large", `${url} is larger than the list of a release.`);
    }
  }
  return text;
}

/** An executable that is not in its place yet. Disposing removes it, unless it was moved. */
export interface FetchedProgram extends AsyncDisposable {
  readonly path: string;
}

/** The executable of a release for this system, on the disk that it will stay on. */
export async function fetchProgram(
  { url, release, beside }: { readonly url: string; readonly release: Release; readonly beside: string },
  ways: Ways,
  system: { readonly os: string; readonly arch: string } = Deno.build,
): Promise<FetchedProgram> {
  const file = release.fileFor(system);
  if (file === undefined) {
    const text = `The release ${release.version} has no executable for ${system.os} ${system.arch}.`;
    throw publicFault("not_found", `${text} "npx unkey@${release.version}" runs wherever Deno does.`);
  }
  const base = join(dirname(beside), `.unkey-${newDnsName(8)}`);
  const windows = system.os === "windows";
  const [archive, path] = [`${base}.tar.gz`, windows ? `${base}.exe` : base];
  const subject = `unkey ${release.version}`;
  try {
    const hash = { algorithm: "sha256", hex: file.sha256 } as const;
    const from = fileUrl(url, release.version, file.name);
    await downloadFile({
      ...ways,
      url: from,
      path: archive,
      hash,
      bytesMax: ARCHIVE_BYTES_MAX,
      subject,
      advice: ADVICE,
    });
    const entry = windows ? "unkey.exe" : "unkey";
    await unpackFile({ archive, entry, path, bytesMax: PROGRAM_BYTES_MAX, subject });
    return { path, [Symbol.asyncDispose]: () => removeIfThere(path) };
  } catch (error) {
    await removeIfThere(path);
    throw withPermission(error, beside);
  } finally {
    await removeIfThere(archive);
  }
}

async function removeIfThere(path: string): Promise<void> {
  await Deno.remove(path).catch(() => undefined); // it may not have been made, or have been moved
}

/** A folder of root's is the usual one for programs. */
function withPermission(error: unknown, place: string): unknown {
  const cause = error instanceof Fault ? error.cause : error;
  if (!(cause instanceof Deno.errors.PermissionDenied)) return error;
  const text = `${dirname(place)} cannot be written to. Run the command as the owner of the folder ` +
    '("sudo unkey upgrade"), or write the new executable elsewhere with --output-file.';
  return publicFault("failed_precondition", text, error);
}
