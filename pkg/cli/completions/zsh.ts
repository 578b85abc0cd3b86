import { type CompletedNode, type CompletedValue, type CompletedWord, flagsWithValues } from "./model.ts";

/** A script that works in a folder of `fpath` and when it is sourced. */
export function zshScript(name: string, nodes: readonly CompletedNode[]): string {
  const values = flagsWithValues(nodes);
  return `#compdef ${name}
# Completion of ${name} for zsh, made by "${name} completions zsh".
_${name}() {
  local node="" flag="" word
  local -a entries
  for word in "\${(@)words[2,CURRENT-1]}"; do
    if [[ -n $flag ]]; then
      flag=""
      continue
    fi
    case $word in
      ${[...values.keys()].join("|")}) flag=$word ;;
      -*) ;;
      *)
        case "$node $word" in
          ${paths(nodes)}) node="$node $word" ;;
        esac
        ;;
    esac
  done
  if [[ -z $flag && $PREFIX == --*=* ]]; then
    flag=\${PREFIX%%=*}
    compset -P '*='
  fi
  if [[ -n $flag ]]; then
    case $flag in
${flagCases(values)}
      *) _message 'value' ;;
    esac
    return
  fi
  case $node in
${nodes.map(nodeCase).join("\n")}
  esac
}

if [[ \${funcstack[1]} == _${name} ]]; then
  _${name} "$@"
else
  compdef _${name} ${name}
fi
`;
}

function paths(nodes: readonly CompletedNode[]): string {
  return nodes.filter(({ path }) => path !== "").map(({ path }) => `" ${path}"`).join("|");
}

function flagCases(values: ReadonlyMap<string, CompletedValue>): string {
  return [...values].filter(([, { kind }]) => kind !== "text")
    .map(([flag, value]) => `      ${flag}) ${valueAction(value)} ;;`).join("\n");
}

function nodeCase({ path, commands, flags, argument }: CompletedNode): string {
  const pattern = path === "" ? '""' : `" ${path}"`;
  const lines = [`    ${pattern})`];
  if (commands.length > 0) lines.push(...described("command", commands, ""));
  else if (argument !== undefined && argument.kind !== "text") {
    lines.push(`      [[ $PREFIX == -* ]] || ${valueAction(argument)}`);
  }
  lines.push(...described("option", flags, commands.length > 0 ? "[[ $PREFIX == -* ]] && " : ""), "      ;;");
  return lines.join("\n");
}

function described(tag: string, words: readonly CompletedWord[], condition: string): string[] {
  const entries = words.map(({ word, summary }) => `        ${quoted(`${word}:${summary}`)}`);
  return ["      entries=(", ...entries, "      )", `      ${condition}_describe -t ${tag}s ${tag} entries`];
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

function valueAction(value: CompletedValue): string {
  if (value.kind === "choice") return `compadd -- ${value.choices.join(" ")}`;
  if (value.kind === "text") return ":";
  return value.kind === "folder" ? "_files -/" : "_files";
}
