import { defineCommand, VERSION } from "../../pkg/cli/mod.ts";
import { JSON_FIELD } from "../shared/output.ts";

const FIELDS = { json: JSON_FIELD };

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
