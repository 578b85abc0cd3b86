import { type CompletedNode, type CompletedValue, flagsWithValues } from "./model.ts";

/** A script for bash 3.2 and newer, without the package bash-completion. */
export function bashScript(name: string, nodes: readonly CompletedNode[]): string {
  const values = flagsWithValues(nodes);
  return `# Completion of ${name} for bash, made by "${name} completions bash".
_${name}() {
  local cur="\${COMP_WORDS[COMP_CWORD]}" node="" flag="" words="" word i
  COMPREPLY=()
  for ((i = 1; i < COMP_CWORD; i++)); do
    word="\${COMP_WORDS[i]}"
    if [ -n "$flag" ]; then
      [ "$word" = "=" ] || flag=""
      continue
    fi
    case "$word" in
      ${[...values.keys()].join("|")}) flag="$word" ;;
      -*) ;;
      *)
        case "$node $word" in
          ${paths(nodes)}) node="$node $word" ;;
        esac
        ;;
    esac
  done
  [ "$cur" != "=" ] || cur=""
  if [ -n "$flag" ]; then
    case "$flag" in
${flagCases(name, values)}
    esac
  else
    case "$node" in
${nodes.map((node) => nodeCase(name, node)).join("\n")}
    esac
  fi
  COMPREPLY=($(compgen -W "$words" -- "$cur"))
}

# Bash 3.2 has no compopt: there, names with spaces are not quoted.
_${name}_files() {
  compopt -o default 2>/dev/null || COMPREPLY=($(compgen -f -- "$1"))
}

_${name}_folders() {
  compopt -o dirnames 2>/dev/null || COMPREPLY=($(compgen -d -- "$1"))
}

complete -F _${name} ${name}
`;
}

function paths(nodes: readonly CompletedNode[]): string {
  return nodes.filter(({ path }) => path !== "").map(({ path }) => `" ${path}"`).join("|");
}

function flagCases(name: string, values: ReadonlyMap<string, CompletedValue>): string {
  return [...values].filter(([, { kind }]) => kind !== "text")
    .map(([flag, value]) => `      ${flag}) ${valueAction(name, value)} ;;`).join("\n");
}

function nodeCase(name: string, { path, commands, flags, argument }: CompletedNode): string {
  const words = [...commands, ...flags].map(({ word }) => word);
  const pattern = path === "" ? '""' : `" ${path}"`;
  if (argument === undefined || argument.kind === "text") {
    return `      ${pattern}) words="${words.join(" ")}" ;;`;
  }
  const flagWords = flags.map(({ word }) => word).join(" ");
  return `      ${pattern})
        case "$cur" in
          -*) words="${flagWords}" ;;
          *) ${valueAction(name, argument)} ;;
        esac
        ;;`;
}

function valueAction(name: string, value: CompletedValue): string {
  if (value.kind === "choice") return `words="${value.choices.join(" ")}"`;
  if (value.kind === "text") return ":";
  return `_${name}_${value.kind}s "$cur"; return`;
}
