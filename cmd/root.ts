import type { Group } from "../pkg/cli/mod.ts";

/** The command tree. Leaves load when they are called: `unkey --help` pays for none of them. */
export const ROOT: Group = {
  summary: "Deploys a folder with a Dockerfile and gives you a URL that serves it.",
  commands: {
    up: { summary: "Run the whole platform on this machine", load: () => import("./up/up.ts") },
    version: { summary: "Print the version", load: () => import("./version/version.ts") },
  },
};
