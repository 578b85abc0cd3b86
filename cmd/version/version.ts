import { defineCommand, VERSION } from "../../pkg/cli/mod.ts";
import { switchField } from "../../pkg/config/mod.ts";

const FIELDS = {
  json: switchField({ flag: "json", env: "UNKEY_JSON", help: "Print one JSON object." }),
};

/** `unkey version` */
export const command = defineCommand({
  outcome: "output",
  fields: FIELDS,
  run({ config }, { stdout }) {
    const { build: { os, arch }, version: { deno } } = Deno;
    const facts = { version: VERSION, os, arch, deno };
    stdout(config.json ? `${JSON.stringify(facts)}\n` : `unkey ${VERSION} (${os} ${arch}, deno ${deno})\n`);
    return Promise.resolve();
  },
});
