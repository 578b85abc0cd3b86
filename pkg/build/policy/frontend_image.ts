/** The image of a Dockerfile frontend that a Dockerfile asks for with `# syntax=`. */
export interface FrontendImage {
  /** As written, with tag or digest. */
  readonly reference: string;
  /** The whole line of the directive, which the frontend gets. */
  readonly commandLine: string;
}

const BYTE_ORDER_MARK = "\ufeff";
/** `# name=value`; BuildKit looks at such lines only while nothing else has come before. */
const DIRECTIVE = /^\s*(?:#|\/\/)\s*([a-zA-Z][a-zA-Z0-9]*)\s*=\s*(\S[^\r\n]*)$/;

/** Finds the directive as BuildKit does: before all else, in a comment of either form or as a member of a JSON object. */
export function frontendImage(dockerfile: string): FrontendImage | undefined {
  const text = dockerfile.startsWith(BYTE_ORDER_MARK) ? dockerfile.slice(1) : dockerfile;
  const lines = text.split("\n");
  for (const line of lines[0]?.startsWith("#!") ? lines.slice(1) : lines) {
    const [, name, value] = DIRECTIVE.exec(line.trimEnd()) ?? [];
    if (name === undefined || value === undefined) break;
    if (name.toLowerCase() === "syntax") return found(value);
  }
  return jsonSyntax(text);
}

function jsonSyntax(text: string): FrontendImage | undefined {
  if (!text.trimStart().startsWith("{")) return undefined;
  try {
    const parsed: unknown = JSON.parse(text);
    const syntax = typeof parsed === "object" && parsed !== null && "syntax" in parsed
      ? parsed.syntax
      : undefined;
    return typeof syntax === "string" ? found(syntax) : undefined;
  } catch {
    return undefined;
  }
}

function found(commandLine: string): FrontendImage {
  const trimmed = commandLine.trim();
  return { reference: trimmed.split(" ")[0] ?? trimmed, commandLine: trimmed };
}

/** Whether the image, without its tag, is one of `allowed`; both may leave out Docker Hub's name. */
export function isAllowedFrontend({ reference }: FrontendImage, allowed: readonly string[]): boolean {
  const name = fullName(reference.replace(/@[^@]*$/, "").replace(/:[^/:]*$/, ""));
  return allowed.some((each) => fullName(each) === name);
}

function fullName(name: string): string {
  const lower = name.toLowerCase();
  const slash = lower.indexOf("/");
  const host = slash < 0 ? "" : lower.slice(0, slash);
  const hasHost = host === "localhost" || /[.:]/.test(host);
  if (host === "index.docker.io") return `docker.io${lower.slice(slash)}`;
  if (hasHost) return lower;
  return slash < 0 ? `docker.io/library/${lower}` : `docker.io/${lower}`;
}
