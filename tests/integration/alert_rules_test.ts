/** Prometheus' own tool judges the alert rules. */
import assert from "node:assert/strict";
import { hasPrometheus, promtool } from "../observe/prometheus.ts";

const FOLDER = new URL("../../dev/observe/", import.meta.url).pathname;
const ignore = !await hasPrometheus();

Deno.test({
  name: "promtool accepts the alert rules, and each alert fires in its first case only",
  ignore,
  fn: async (t) => {
    await t.step("rules", async () => {
      assert.match(
        await promtool("check", "rules", "--lint=all", "--lint-fatal", `${FOLDER}alerts.yaml`),
        /SUCCESS/,
      );
    });
    await t.step("cases", async () => {
      assert.match(await promtool("test", "rules", `${FOLDER}alerts_test.yaml`), /SUCCESS/);
    });
  },
});

Deno.test({
  name: "promtool finds an alert that fires where a case says that it does not",
  ignore,
  fn: async () => {
    const folder = await Deno.makeTempDir({ prefix: "unkey-alerts-" });
    try {
      const rules = await Deno.readTextFile(`${FOLDER}alerts.yaml`);
      await Deno.writeTextFile(`${folder}/alerts.yaml`, rules.replace("> 1.5e9", "> 1.5e1"));
      await Deno.copyFile(`${FOLDER}alerts_test.yaml`, `${folder}/alerts_test.yaml`);
      await assert.rejects(promtool("test", "rules", `${folder}/alerts_test.yaml`));
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
});
