import { defineCommand } from "../../pkg/cli/mod.ts";
import { silentLogger } from "../../pkg/logger/mod.ts";
import { checkRotateKeysConfig, ROTATE_KEYS_FIELDS } from "../../svc/ctrl/rotate_keys/config.ts";
import { runRotateKeys } from "../../svc/ctrl/rotate_keys/run.ts";
import { DATABASE_EXITS } from "../shared/exit_codes.ts";
import { JSON_FIELD, jsonLine } from "../shared/output.ts";

/** `unkey ctrl rotate-keys` */
export const command = defineCommand({
  exitCodes: DATABASE_EXITS,
  fields: { ...ROTATE_KEYS_FIELDS, json: JSON_FIELD },
  check: checkRotateKeysConfig,
  notes: `To change the master key:
  1. put the new key first in UNKEY_VAULT_MASTER_KEYS of all api processes, the former one behind it, and restart them
  2. run this command with the same keys; it is safe to repeat
  3. drop the former key and restart them once more

With --data-keys every keyring gets a new data key too. What was encrypted before stays readable.`,
  async run({ config }, { clock, signal, stdout }) {
    const { resealed, current, renewed } = await runRotateKeys(config, {
      log: silentLogger(),
      clock,
      signal,
    });
    if (config.json) return stdout(jsonLine({ resealed, current, renewed }));
    stdout(
      `${resealed} data keys were sealed anew, ${current} had the first master key already.\n` +
        (config.dataKeys ? `${renewed} keyrings have a new data key.\n` : "") +
        "The former master keys are not needed any more.\n",
    );
  },
});
