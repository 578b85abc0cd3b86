const DENIALS: readonly string[] = ['" denied by policy', '" not allowed by policy'];
const SOURCE = 'source "';
const ADDRESS_CHARACTERS_MAX = 500;
const IMAGE = /^(?:docker-image|oci-layout):\/\//;

/** The text for a source that the policy of builds denies; `undefined` for any other error. */
export function deniedSource(
  error: string,
  { dockerfile, isFrontend }: { readonly dockerfile: string; readonly isFrontend: boolean },
): string | undefined {
  const end = DENIALS.map((each) => error.lastIndexOf(each)).find((at) => at >= 0);
  const start = end === undefined ? -1 : error.lastIndexOf(SOURCE, end);
  if (start < 0) return undefined;
  const source = error.slice(start + SOURCE.length, end);
  const isImage = IMAGE.test(source);
  const address = source.replace(IMAGE, "").slice(0, ADDRESS_CHARACTERS_MAX);
  if (isFrontend) {
    return `The Dockerfile "${dockerfile}" names the frontend ${address} in its first line (# syntax=), which this ` +
      "builder does not allow: frontends see all of a build. Use # syntax=docker/dockerfile:1.";
  }
  const why = isImage
    ? "images of other workspaces, and registries on this machine or in private networks, are out of reach of " +
      "builds. Use an image of your own workspace or of a public registry."
    : "addresses of this machine, of private networks and of the platform are out of reach of builds, also behind " +
      "a redirect. Download it from a public address, or put the file into the build context.";
  return `The Dockerfile reads from ${address}, which this builder does not allow: ${why}`;
}
