/** House rules for `deno lint`: what the compiler cannot know and a reviewer should not have to. */

interface Banned {
  readonly name: string;
  /** The one place that may use it. */
  readonly allow: RegExp;
  readonly instead: string;
}

const BANNED: readonly Banned[] = [
  { name: "Deno.env", allow: /\/main\.ts$/, instead: "read settings through pkg/config" },
  { name: "Deno.exit", allow: /\/main\.ts$/, instead: "throw a Fault and let main.ts choose the exit code" },
  {
    name: "process.exit",
    allow: /\/main\.ts$/,
    instead: "throw a Fault and let main.ts choose the exit code",
  },
  { name: "process.env", allow: /\/main\.ts$/, instead: "read settings through pkg/config" },
  { name: "Deno.addSignalListener", allow: /\/main\.ts$/, instead: "take an AbortSignal" },
  { name: "Date.now", allow: /\/pkg\/clock\//, instead: "take a Clock, or durable.now() in a workflow" },
  {
    name: "Math.random",
    allow: /\/pkg\/(retry|uid)\//,
    instead: "use pkg/uid, or take the jitter as an argument",
  },
  { name: "crypto.randomUUID", allow: /\/pkg\/uid\//, instead: "use pkg/uid" },
];

/** Tests, tools and scripts may touch the machine: that is what they are for. */
const EXEMPT = /_test\.ts$|\/testing\w*\.ts$|\/tests\/|\/dev\/|\/pkg\/testkit\//;

const plugin: Deno.lint.Plugin = {
  name: "house",
  rules: {
    /**
     * V8 gives every object literal that has an accessor a shape of its own. In whatever runs once per call that is more
     * memory than the call itself, and it stays until the old generation is collected.
     */
    "no-literal-accessor": {
      create(context) {
        if (EXEMPT.test(context.filename)) return {};
        return {
          Property(node) {
            if (node.kind !== "get" && node.kind !== "set") return;
            const message = "An object literal with an accessor costs a shape for each object";
            context.report({ node, message, hint: "use a class, or a plain property" });
          },
        };
      },
    },
    /** Keeps ambient state behind a parameter, so that tests and replays control it. */
    "no-ambient": {
      create(context) {
        if (EXEMPT.test(context.filename)) return {};
        return {
          MemberExpression(node) {
            const name = context.sourceCode.getText(node);
            const banned = BANNED.find((each) => each.name === name);
            if (banned === undefined || banned.allow.test(context.filename)) return;
            context.report({ node, message: `${name} is not allowed here`, hint: banned.instead });
          },
        };
      },
    },
  },
};

export default plugin;
