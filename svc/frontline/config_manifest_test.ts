import assert from "node:assert/strict";
import { loadConfig } from "../../pkg/config/mod.ts";
import { FRONTLINE_FIELDS } from "./config.ts";

const FILE = new URL("../../dev/k8s/manifests/frontline.yaml", import.meta.url);

/** A variable that no setting reads would leave the operator with a default. */
Deno.test("the manifest of the edge sets what its settings take, and opens the ports that they name", async () => {
  const text = await Deno.readTextFile(FILE);
  const given = new Map(
    [...text.matchAll(/- \{ name: (UNKEY_[A-Z_]+), value: "?([^"} ]+)"? \}/g)].map(([, name, value]) => [
      name ?? "",
      value ?? "",
    ]),
  );
  const secrets = [...text.matchAll(/- name: (UNKEY_[A-Z_]+)\n\s+valueFrom/g)].map(([, name]) => name ?? "");
  const known = Object.values(FRONTLINE_FIELDS).map(({ env }) => env);
  assert.deepEqual([...given.keys(), ...secrets].filter((name) => !known.includes(name)), []);
  const config = loadConfig(FRONTLINE_FIELDS, {
    flags: new Map(),
    env: (name) => secrets.includes(name) ? "token" : given.get(name),
    readFile: () => assert.fail("no file is named"),
  });
  const { httpPort, httpsPort, healthPort, httpsPublicPort, drainMs, stopDelayMs } = config;
  const ports = (key: string): number[] =>
    [...text.matchAll(new RegExp(`${key}: (\\d+)`, "g"))].map(([, port]) => Number(port));
  assert.deepEqual(ports("containerPort"), [httpPort, httpsPort, healthPort]);
  assert.deepEqual(ports("port"), [80, httpsPublicPort]);
  const [graceSeconds = 0] = ports("terminationGracePeriodSeconds");
  assert.ok(graceSeconds * 1_000 > stopDelayMs + drainMs, "the drain ends before the pod is killed");
});
