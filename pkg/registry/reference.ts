/** An image's name, taken apart. */
export interface Reference {
  /** The registry's host as it is asked, with its port. */
  readonly host: string;
  readonly path: string;
  readonly tag: string;
  /** Set when the name says exactly which bytes are meant. */
  readonly digest: string | undefined;
  /** The name without tag and digest, as it was given. */
  readonly name: string;
}

/** The host of Docker Hub, which names of images leave out. */
export const HUB = "registry-1.docker.io";

/** Reads a name that has been checked before; without a registry it is one of Docker's own. */
export function parseReference(image: string): Reference {
  const [tagged = "", digest] = image.split("@");
  const colon = tagged.lastIndexOf(":");
  const hasTag = colon > tagged.lastIndexOf("/");
  const name = hasTag ? tagged.slice(0, colon) : tagged;
  const tag = hasTag ? tagged.slice(colon + 1) : "latest";
  const slash = name.indexOf("/");
  const first = name.slice(0, slash);
  // Engines take a first part with a capital for a host: no user of Docker Hub has one.
  if (slash < 0 || !(/[.:A-Z]/.test(first) || first === "localhost")) {
    return { host: HUB, path: slash < 0 ? `library/${name}` : name, tag, digest, name };
  }
  const path = name.slice(slash + 1);
  if (first !== "docker.io" && first !== "index.docker.io") return { host: first, path, tag, digest, name };
  return { host: HUB, path: path.includes("/") ? path : `library/${path}`, tag, digest, name };
}
