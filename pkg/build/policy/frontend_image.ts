/** The image of a Dockerfile frontend that a Dockerfile asks for with `# syntax=`. */
export interface FrontendImage {
  /** As written, with tag or digest. */
  readonly reference: string;
  /** The whole line of the directive, which the frontend gets. */
  readonly commandLine: string;
}

/** Names the frontend, and comes before the `# syntax=` of the Dockerfile. */
export const SYNTAX_ARG = "BUILDKIT_SYNTAX";

/** The frontend that a build asks for; `undefined`: the one inside BuildKit. */
export function frontendOf(
  dockerfile: Uint8Array,
  buildArguments: Readonly<Record<string, string>>,
): FrontendImage | undefined {
  const argument = buildArguments[SYNTAX_ARG]?.trim();
  if (argument !== undefined && argument !== "") return commandLine(argument);
  return frontendImage(new TextDecoder("utf-8", { ignoreBOM: true }).decode(dockerfile));
}

const BYTE_ORDER_MARK = "\ufeff";
/** Directives of BuildKit 0.33; any other name ends them. */
const DIRECTIVES: readonly string[] = ["syntax", "escape", "check"];
/** `name = value`; the spaces are those of Go's expressions. */
const DIRECTIVE = /^([a-zA-Z][a-zA-Z0-9]*)[\t\n\f\r ]*=[\t\n\f\r ]*([^\t\n\f\r ][^\n]*)$/;

/** Finds the directive as BuildKit does: before all else, in comments of one form, or as a member of a JSON object. */
export function frontendImage(dockerfile: string): FrontendImage | undefined {
  const text = dockerfile.startsWith(BYTE_ORDER_MARK) ? dockerfile.slice(1) : dockerfile;
  const body = text.startsWith("#!") ? text.slice((text.indexOf("\n") + 1) || text.length) : text;
  const lines = body.split("\n");
  return inComments(lines, "#") ?? inComments(lines, "//") ?? inJson(body);
}

function inComments(lines: readonly string[], comment: string): FrontendImage | undefined {
  const seen = new Set<string>();
  for (const line of lines) {
    if (!line.startsWith(comment)) return undefined;
    const [, name = "", value = ""] = DIRECTIVE.exec(line.slice(comment.length).trimStart()) ?? [];
    const directive = name.toLowerCase();
    // A directive may come once.
    if (!DIRECTIVES.includes(directive) || seen.has(directive)) return undefined;
    seen.add(directive);
    if (directive === "syntax") return commandLine(value);
  }
  return undefined;
}

function inJson(text: string): FrontendImage | undefined {
  if (!text.trimStart().startsWith("{")) return undefined;
  try {
    const parsed: unknown = JSON.parse(text);
    const syntax = typeof parsed === "object" && parsed !== null && "syntax" in parsed
      ? parsed.syntax
      : undefined;
    return typeof syntax === "string" ? commandLine(syntax) : undefined;
  } catch {
    return undefined;
  }
}

/** Reads the value of a `syntax` directive or argument: the image, and what the frontend gets besides. */
export function commandLine(value: string): FrontendImage {
  const trimmed = value.trim();
  return { reference: trimmed.split(" ")[0] ?? trimmed, commandLine: trimmed };
}

/** A name with a tag or a digest or both. */
const REFERENCE = /^([^:@]+(?::[0-9]+\/[^:@]+)?)(?::[a-zA-Z0-9_][a-zA-Z0-9_.-]*)?(?:@[a-z0-9]+:[0-9a-f]+)?$/;

/** True when the image, without its tag, is one of `allowed`; both may leave out Docker Hub's name. */
export function isAllowedFrontend({ reference }: FrontendImage, allowed: readonly string[]): boolean {
  const name = REFERENCE.exec(reference)?.[1];
  return name !== undefined && allowed.some((each) => fullName(each) === fullName(name));
}

/** As Docker completes names; a first part in upper case is a host to it. */
function fullName(name: string): string {
  const slash = name.indexOf("/");
  const host = slash < 0 ? "" : name.slice(0, slash);
  const hasHost = host === "localhost" || /[.:A-Z]/.test(host);
  const path = name.slice(slash + 1);
  if (hasHost) {
    return host.toLowerCase() === "index.docker.io" ? `docker.io/${path}` : `${host.toLowerCase()}/${path}`;
  }
  return slash < 0 ? `docker.io/library/${name}` : `docker.io/${name}`;
}
