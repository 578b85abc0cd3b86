import type { Prompts } from "./process.ts";

/**
 * Questions on standard error, so that standard output stays data. The library loads at the first question. A question
 * that is open when `hangup` aborts has no answer: its terminal is gone, and the library would wait for it forever.
 */
export function terminalPrompts(hangup: AbortSignal): Prompts {
  const common = async () => {
    const [clack, { stderr }] = await Promise.all([import("@clack/prompts"), import("node:process")]);
    return { clack, output: stderr };
  };
  return {
    async confirm({ message, initial }) {
      const { clack, output } = await common();
      const answer = await clack.confirm({ message, initialValue: initial, output, signal: hangup });
      return typeof answer === "boolean" ? answer : undefined;
    },
    async select({ message, options }, signal) {
      const { clack, output } = await common();
      const answer = await clack.select<string>({
        message,
        output,
        options: options.map((each) => ({ ...each })),
        signal: signal === undefined ? hangup : AbortSignal.any([hangup, signal]),
      });
      return options.find((each) => each.value === answer)?.value;
    },
    async password({ message }) {
      const { clack, output } = await common();
      const answer = await clack.password({ message, output, signal: hangup });
      return typeof answer === "string" ? answer : undefined;
    },
  };
}
