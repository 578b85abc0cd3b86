const CONTINUED = /[\\`][ \t]*$/;
const MOUNT = /--mount=(\S+)/g;

/**
 * The paths of the context that instructions of a Dockerfile name: sources of COPY and ADD, and of mounts. Cleaned, e.g. `src/a.txt`;
 * those with variables or patterns are left out, and so is the context as a whole.
 */
export function copiedPaths(dockerfile: Uint8Array): ReadonlySet<string> {
  const paths = instructions(new TextDecoder().decode(dockerfile)).flatMap((line) => [
    ...sourcesOf(line),
    ...Array.from(line.matchAll(MOUNT), ([, options = ""]) => mountSource(options)),
  ]);
  return new Set(paths.map(clean).filter((path) => path !== "" && !/[$*?[\]]/.test(path)));
}

/** The lines without comments, continued ones as one. */
function instructions(text: string): readonly string[] {
  const found: string[] = [];
  let open = "";
  for (const line of text.split(/\r?\n/)) {
    if (/^\s*#/.test(line)) continue;
    open += line.replace(CONTINUED, " ");
    if (CONTINUED.test(line)) continue;
    found.push(open.trim());
    open = "";
  }
  return [...found, open.trim()];
}

function sourcesOf(line: string): readonly string[] {
  const [, given] = /^(?:ONBUILD\s+)?(?:COPY|ADD)\s+(.*)$/i.exec(line) ?? [];
  const rest = given?.replace(/^(--\S+\s+)*/, "");
  if (given === undefined || rest === undefined || /(^|\s)--from=/.test(given)) return [];
  return (rest.startsWith("[") ? wordsOfJson(rest) : rest.split(/\s+/)).slice(0, -1);
}

function wordsOfJson(text: string): readonly string[] {
  try {
    const words: unknown = JSON.parse(text);
    return Array.isArray(words) ? words.filter((word) => typeof word === "string") : [];
  } catch {
    return []; // the builder says what is wrong with it
  }
}

function mountSource(options: string): string {
  const values = new Map(
    options.split(",").map((option) => {
      const [key = "", ...value] = option.split("=");
      return [key, value.join("=")] as const;
    }),
  );
  return values.has("from") ? "" : values.get("source") ?? values.get("src") ?? "";
}

function clean(path: string): string {
  return path.split("/").filter((part) => part !== "" && part !== ".").join("/");
}
