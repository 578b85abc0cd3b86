/** Names of images that a Dockerfile must not use, although the engine has them or could get them. */
export interface ReservedImages {
  /** The prefix of their names, e.g. `r.example/apps/`. */
  readonly below: readonly string[];
  /** Prefixes that are allowed all the same. */
  readonly except?: string;
}

/** The steps in which BuildKit looks an image up, for `FROM`, `COPY --from`, `RUN --mount=from` or `# syntax`. */
const LOOKUP =
  /^(?:\[internal\] load metadata for|resolve image config for|(?:\[[^\]]*\] )?FROM)(?: --platform=\S+)? (?:docker-image:\/\/)?(\S+)/;

/** The image that a step looks up when it is one of `reserved`. */
export function reservedImage(stepName: string, { below, except }: ReservedImages): string | undefined {
  const image = LOOKUP.exec(stepName)?.[1];
  if (image === undefined) return undefined;
  const name = canonical(image);
  if (except !== undefined && name.startsWith(canonical(except))) return undefined;
  return below.some((prefix) => name.startsWith(canonical(prefix))) ? image : undefined;
}

/** A host is the same in upper and lower case, and with the port that it has anyway. */
function canonical(image: string): string {
  return image.toLowerCase().replace(/^([^/]+):0*(?:443|80)\//, "$1/");
}
