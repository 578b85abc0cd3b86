/**
 * Writes a `runc` to `path` that asks for no negative oom_score_adj and no limits before it runs `program`: not every
 * machine's root may set them. Needs `jq`.
 */
export async function writeRuncWrapper(path: string, program: string): Promise<void> {
  const lower = "if (.oomScoreAdj // 0) < 0 then .oomScoreAdj = 0 else . end | del(.rlimits)";
  await Deno.writeTextFile(
    path,
    `#!/bin/sh
set -eu
edit() {
  [ -f "$2" ] || return 0
  jq -c "$1" "$2" >"$2.new"
  mv "$2.new" "$2"
}
bundle=.
process=
previous=
for word in "$@"; do
  case $previous in
    --bundle | -b) bundle=$word ;;
    --process | -p) process=$word ;;
  esac
  previous=$word
done
case " $* " in
  *" run "* | *" create "*) edit '.process |= (${lower})' "$bundle/config.json" ;;
  *" exec "*) [ -z "$process" ] || edit '${lower}' "$process" ;;
esac
exec ${program} "$@"
`,
    { mode: 0o755 },
  );
}
