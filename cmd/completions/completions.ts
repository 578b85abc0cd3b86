/** `unkey completions`: the script that completes commands, flags and their values in a shell. */
import {
  type Command,
  completionScript,
  defineCommand,
  type Group,
  SHELLS,
  UsageError,
} from "../../pkg/cli/mod.ts";

/** The command for this tree. */
export function completionsCommand(root: Group): Command {
  return defineCommand({
    outcome: "output",
    fields: {},
    positionals: [{ name: "shell", help: "bash, zsh or fish.", required: true, choices: SHELLS }],
    notes: `Install it once, and again after an update:

  unkey completions bash > ~/.local/share/bash-completion/completions/unkey   (with the package bash-completion)
  unkey completions bash >> ~/.bashrc                                         (without it)
  unkey completions zsh > "\${fpath[1]}/_unkey"                                (a folder of fpath, before compinit)
  unkey completions fish > ~/.config/fish/completions/unkey.fish

Values that only the control plane knows, like deployments, are not completed: a key press would wait for the network.`,
    async run({ positionals: [given] }, { stdout }) {
      const shell = SHELLS.find((each) => each === given);
      if (shell === undefined) {
        throw new UsageError(
          `There are no completions for "${given}". There are some for ${SHELLS.join(", ")}.`,
        );
      }
      stdout(await completionScript(shell, "unkey", root));
    },
  });
}
