import { publicFault } from "../../../pkg/fault/mod.ts";

const LINES_SHOWN = 12;

/** Calls `systemctl`. @throws `failed_precondition` with what it says, and with the end of the unit's journal */
export async function systemctl(verb: string, ...args: readonly string[]): Promise<string> {
  const { success, stdout, stderr } = await run("systemctl", [verb, ...args]);
  if (success) return stdout;
  const unit = args.find((each) => each.endsWith(".service"));
  const journal = unit === undefined
    ? ""
    : (await run("journalctl", ["--no-pager", "--output=cat", `--lines=${LINES_SHOWN}`, `--unit=${unit}`]))
      .stdout;
  throw publicFault(
    "failed_precondition",
    [`"systemctl ${[verb, ...args].join(" ")}" failed: ${stderr.trim()}`, journal.trim()].filter(Boolean)
      .join("\n"),
  );
}

/** True if a unit is active now. */
export async function isActive(unit: string): Promise<boolean> {
  return (await run("systemctl", ["is-active", "--quiet", unit])).success;
}

/** @throws `failed_precondition` on a system that systemd does not run, and for a user that is not root */
export async function requireSystemd(): Promise<void> {
  const isRunning = await Deno.stat("/run/systemd/system").then(() => true, () => false);
  if (!isRunning) {
    throw publicFault(
      "failed_precondition",
      'This system is not run by systemd, so that there is no service to set up. Start "unkey up" without --install ' +
        "from the service manager that it has.",
    );
  }
  if (Deno.uid() !== 0) {
    throw publicFault(
      "failed_precondition",
      "Only root can change services. Run the same command with sudo.",
    );
  }
}

async function run(
  program: string,
  args: readonly string[],
): Promise<{ readonly success: boolean; readonly stdout: string; readonly stderr: string }> {
  try {
    const { success, stdout, stderr } = await new Deno.Command(program, { args: [...args], stdin: "null" })
      .output();
    const decoder = new TextDecoder();
    return { success, stdout: decoder.decode(stdout), stderr: decoder.decode(stderr) };
  } catch (error) {
    return { success: false, stdout: "", stderr: String(error) };
  }
}
