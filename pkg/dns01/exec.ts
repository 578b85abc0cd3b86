import { Fault } from "../fault/mod.ts";
import { type DnsProvider, type TxtRecord } from "./provider.ts";

const RUN_MS_MAX = 120_000;
const ERROR_CHARACTERS_MAX = 500;

/**
 * Runs a program of the operator: `<program> add|remove <name> <value> <zone>`, with an exit code of 0 when it is done.
 * It must leave other values of the name alone, and may be run again with the same arguments.
 */
export function openExecHook(program: string): DnsProvider {
  const run = async (
    action: "add" | "remove",
    { name, value, zone }: TxtRecord,
    signal: AbortSignal,
  ): Promise<void> => {
    const limit = AbortSignal.any([signal, AbortSignal.timeout(RUN_MS_MAX)]);
    const command = new Deno.Command(program, {
      args: [action, name, value, zone],
      stdin: "null",
      stdout: "null",
      stderr: "piped",
      signal: limit,
    });
    let output: Deno.CommandOutput;
    try {
      output = await command.output();
    } catch (error) {
      throw new Fault("failed_precondition", `the DNS program ${program} cannot be run`, { cause: error });
    }
    signal.throwIfAborted();
    if (output.success) return;
    const errors = new TextDecoder().decode(output.stderr).trim().slice(-ERROR_CHARACTERS_MAX);
    const how = limit.aborted ? `took more than ${RUN_MS_MAX} ms` : `ended with exit code ${output.code}`;
    throw new Fault("unavailable", `the DNS program ${program} ${how}: ${errors}`);
  };
  return {
    add: (record, signal) => run("add", record, signal),
    remove: (record, signal) => run("remove", record, signal),
  };
}
