import { type CompletedFlag, type CompletedNode, type CompletedValue, flagsWithValues } from "./model.ts";

/** A script for fish 3.0 and newer. */
export function fishScript(name: string, nodes: readonly CompletedNode[]): string {
  const values = flagsWithValues(nodes);
  const lines = nodes.flatMap((node) => nodeLines(name, node));
  return `# Completion of ${name} for fish, made by "${name} completions fish".
function __${name}_node
    set -l node
    set -l value no
    for word in (commandline -opc)[2..-1]
        if test $value = yes
            set value no
            continue
        end
        switch $word
            case ${[...values.keys()].join(" ")}
                set value yes
            case '-*'
            case '*'
                switch "$node $word"
                    case ${
    nodes.filter(({ path }) => path !== "").map(({ path }) => quoted(` ${path}`)).join(" ")
  }
                        set node "$node $word"
                end
        end
    end
    test "$node" = "$argv[1]"
end

complete -c ${name} -f
${lines.join("\n")}
`;
}

function nodeLines(name: string, { path, commands, flags, argument }: CompletedNode): string[] {
  const place = path === "" ? "" : ` ${path}`;
  const head = `complete -c ${name} -n ${quoted(`__${name}_node ${quoted(place)}`)}`;
  return [
    ...commands.map(({ word, summary }) => `${head} -a ${word} -d ${quoted(summary)}`),
    ...(argument === undefined ? [] : argumentLines(head, argument)),
    ...flags.map((flag) => `${head} ${flagWords(flag)}`),
  ];
}

function argumentLines(head: string, value: CompletedValue): string[] {
  if (value.kind === "choice") return [`${head} -a ${quoted(value.choices.join(" "))}`];
  if (value.kind === "folder") return [`${head} -a '(__fish_complete_directories)'`];
  return value.kind === "file" ? [`${head} -F`] : [];
}

function flagWords({ word, summary, value }: CompletedFlag): string {
  return `-l ${word.slice(2)}${value === undefined ? "" : ` ${valueWords(value)}`} -d ${quoted(summary)}`;
}

function valueWords(value: CompletedValue): string {
  if (value.kind === "choice") return `-x -a ${quoted(value.choices.join(" "))}`;
  if (value.kind === "folder") return "-x -a '(__fish_complete_directories)'";
  return value.kind === "file" ? "-r -F" : "-x";
}

function quoted(text: string): string {
  return `'${text.replaceAll("\\", "\\\\").replaceAll("'", "\\'")}'`;
}
