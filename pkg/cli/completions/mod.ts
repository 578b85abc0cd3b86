/** Scripts that complete commands, flags and their values in a shell, made from the declarations. */
import type { Group } from "../command.ts";
import { bashScript } from "./bash.ts";
import { fishScript } from "./fish.ts";
import { completionModel } from "./model.ts";
import { zshScript } from "./zsh.ts";

/** Shells that there is a script for. */
export const SHELLS = ["bash", "zsh", "fish"] as const;
export type Shell = (typeof SHELLS)[number];

const SCRIPTS = { bash: bashScript, zsh: zshScript, fish: fishScript };

/** The script of a shell; it needs this program only to be made. */
export async function completionScript(shell: Shell, name: string, root: Group): Promise<string> {
  return SCRIPTS[shell](name, await completionModel(root));
}
