const LOOKUP =
  /^(?:\[internal\] load metadata for|resolve image config for|(?:\[[^\]]{0,200}\] )?FROM)(?: --platform=\S{1,200})? (?:docker-image:\/\/)?(\S+)/;
const DOWNLOAD =
  /^(?:\[[^\]]{0,200}\] ADD (?:--\S+ ){0,8}|\[internal\] load git source )?((?:https?|git|ssh):\/\/\S+)/;
const FRONTEND = "resolve image config for ";

/** The image that a step looks up or pulls: a base image, the source of a copy or a mount, or a frontend. */
export function imageOfStep(name: string): string | undefined {
  return withoutDigest(LOOKUP.exec(name)?.[1]);
}

/** True for the step that looks up the frontend of `# syntax=`. */
export function isFrontendStep(name: string): boolean {
  return name.startsWith(FRONTEND);
}

/** The address that a step downloads, as the Dockerfile names it. */
export function addressOfStep(name: string): string | undefined {
  return DOWNLOAD.exec(name)?.[1];
}

/** `[build 2/3] RUN make` is the instruction `RUN make`. */
export function instructionOf(name: string): string {
  const end = name.startsWith("[") ? name.indexOf("] ") : -1;
  return end < 0 ? name : name.slice(end + 2).trimStart();
}

/** The registry of an image as `docker login` names it. */
export function registryOfImage(image: string): string {
  const [first = ""] = image.split("/", 1);
  const isHost = image.includes("/") && (/[.:]/.test(first) || first === "localhost");
  return isHost ? first : "docker.io";
}

/** BuildKit adds the digest that it found. */
function withoutDigest(image: string | undefined): string | undefined {
  const at = image?.indexOf("@sha256:") ?? -1;
  return at > 0 ? image?.slice(0, at) : image;
}
