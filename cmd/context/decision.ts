import { formatBytes, type ListedContext } from "../../pkg/archive/mod.ts";
import { oneLine } from "../shared/output.ts";

/** The output of `--json` for a path. */
export interface PathDecision {
  readonly context: string;
  readonly path: string;
  readonly included: boolean;
  /** `rule`: a line of the ignore file decides; `git`: the rule about `.git`, which is in no file; `default`: no rule does. */
  readonly reason: "rule" | "git" | "default";
  readonly rule: { readonly file: string; readonly line: number; readonly text: string } | null;
  /** The path that the rule matches: this one, or a folder above it. */
  readonly matched: string;
  /** Files that are sent: of a folder those below it, also where it is left out itself. */
  readonly files: number;
  readonly bytes: number;
}

/** The reason for which a path of a context is sent, or is not. */
export function decisionOf(
  { root, entries, ignoreFile, explain }: ListedContext,
  path: string,
): PathDecision {
  const { included, rule, matched } = explain(path);
  const files = entries.filter((entry) =>
    entry.kind !== "folder" && (entry.path === path || entry.path.startsWith(`${path}/`))
  );
  const line = rule?.line;
  return {
    context: root,
    path,
    included,
    reason: rule === undefined ? "default" : line === undefined ? "git" : "rule",
    rule: rule === undefined || line === undefined ? null : { file: ignoreFile, line, text: rule.text },
    matched,
    files: files.length,
    bytes: files.reduce((sum, { size }) => sum + size, 0),
  };
}

/** The decision as a line, and a second one for a folder of which a part is sent in spite of it. */
export function decisionText(decision: PathDecision): string {
  const { path, included, files, bytes } = decision;
  const sent = `${files === 1 ? "1 file" : `${files} files`}, ${formatBytes(bytes)}`;
  const head = `${oneLine(path)} is ${included ? `sent (${sent})` : "left out"}: ${reasonText(decision)}\n`;
  return included || files === 0 ? head : `${head}Exceptions take back a part of it: ${sent}\n`;
}

function reasonText({ path, reason, rule, matched }: PathDecision): string {
  const what = matched === path ? "it" : oneLine(matched);
  if (rule !== null) return `${rule.file}:${rule.line} '${oneLine(rule.text)}' matches ${what}`;
  if (reason === "default") return "no rule is about it";
  return `.git is, unless --include-git, a line of the ignore file or a COPY names it`;
}
