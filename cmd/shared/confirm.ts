/** Questions before a change that cannot be taken back without effort, or that visitors notice. */
import { type Process, UsageError } from "../../pkg/cli/mod.ts";
import { switchField } from "../../pkg/config/mod.ts";
import { publicFault } from "../../pkg/fault/mod.ts";

/** The setting of each command that asks. */
export const YES_FIELD = switchField({
  flag: "yes",
  env: "UNKEY_YES",
  help: "Do not ask. Without a terminal to ask on, this is required.",
});

export interface Question {
  readonly message: string;
  /** The answer of the Enter key. */
  readonly initial: boolean;
}

/**
 * Asks, unless `yes` answers.
 *
 * @throws `UsageError` without a terminal: a question that cannot be asked must neither hang nor count as answered
 * @throws `cancelled` when the answer is no
 */
export async function confirm(
  { prompts }: Pick<Process, "prompts">,
  yes: boolean,
  { message, initial }: Question,
): Promise<void> {
  if (yes) return;
  if (prompts === undefined) {
    throw new UsageError(
      `${message} There is no terminal to ask on, so nothing was changed: --yes (UNKEY_YES) confirms.`,
    );
  }
  if (await prompts.confirm({ message, initial }) === true) return;
  throw publicFault("cancelled", "Nothing was changed.");
}
