/** Passwords that commands take. */
import { type Process, UsageError } from "../../pkg/cli/mod.ts";

/** The password on standard input. One line end at its end is the shell's. @throws `UsageError` for an empty one */
export async function readPassword({ readStdin }: Pick<Process, "readStdin">): Promise<string> {
  const password = (await readStdin()).replace(/\r?\n$/, "");
  if (password !== "") return password;
  throw new UsageError("--password-stdin needs the password on standard input: it was empty.");
}
