/** Completions as the real shells answer them. */
import { type Shell, SHELLS } from "../../pkg/cli/mod.ts";

/** Runs a program; its output, or an error with what it said. */
async function run(program: string, args: readonly string[], cwd: string): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command(program, {
    args: [...args],
    cwd,
    stdin: "null",
    signal: AbortSignal.timeout(20_000),
  }).output();
  const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);
  if (!success) throw new Error(`${program} failed: ${text(stderr)}${text(stdout)}`);
  return text(stdout);
}

/** The shells of this machine; `dev/test` installs all. */
export async function installedShells(): Promise<ReadonlySet<Shell>> {
  const found = new Set<Shell>();
  for (const shell of SHELLS) {
    if (await run(shell, ["-c", "exit 0"], "/").then(() => true, () => false)) found.add(shell);
  }
  return found;
}

export interface Query {
  readonly shell: Shell;
  /** The file of the completion script. */
  readonly script: string;
  /** The text before the cursor. */
  readonly line: string;
  readonly cwd: string;
}

const ASK = { bash: askBash, zsh: askZsh, fish: askFish };

/** The words that the shell offers at the end of the line, sorted. */
export async function completed(query: Query): Promise<readonly string[]> {
  const words = (await ASK[query.shell](query)).split("\n").map((line) => line.split("\t")[0] ?? "");
  return [...new Set(words.filter((word) => word !== ""))].sort();
}

/** As readline calls the function; the shell itself would put it into words at `=`, too. */
function askBash({ script, line, cwd }: Query): Promise<string> {
  const words = line.split(" ").flatMap((word) =>
    word.split(/(=)/).filter((part, at) => part !== "" || at === 0)
  );
  return run("bash", ["--norc", "--noprofile", "-c", BASH, "bash", script, ...words], cwd);
}

const BASH = `
source "$1"; shift
COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1))
_unkey
printf '%s\\n' "\${COMPREPLY[@]}"
`;

function askFish({ script, line, cwd }: Query): Promise<string> {
  return run("fish", ["--no-config", "-c", 'source $argv[1]; complete -C "$argv[2]"', script, line], cwd);
}

/** In an interactive shell of a pseudo terminal, since the completion system works nowhere else. */
async function askZsh({ script, line, cwd }: Query): Promise<string> {
  const out = await Deno.makeTempFile({ prefix: "unkey-test-zsh-" });
  try {
    await run("zsh", ["-f", "-c", ZSH, "zsh", script, line, out], cwd);
    return await Deno.readTextFile(out);
  } finally {
    await Deno.remove(out);
  }
}

const ZSH = `
zmodload zsh/zpty
cat >"$3.setup" <<'SETUP'
PROMPT=
autoload -Uz compinit
compinit -u -D
source "$SCRIPT"
bindkey '^I' complete-word
compadd() {
  if [[ \${@[1,(i)(-|--)]} != *-(O|A|D)\\ * ]]; then
    local -a hits
    builtin compadd -O hits "$@"
    print -rl -- $hits >>"$OUT"
  fi
  builtin compadd "$@"
}
finish() { exit }
comppostfuncs=(finish)
print REA''DY
SETUP
export SCRIPT=$1 OUT=$3
zpty shell zsh -f -i
zpty -w shell "source '$3.setup'"
zpty -r shell seen '*READY*'
zpty -w -n shell "$2"$'\\t'
while zpty -r shell seen; do :; done
rm "$3.setup"
exit 0
`;
