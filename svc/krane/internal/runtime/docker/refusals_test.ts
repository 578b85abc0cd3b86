import assert from "node:assert/strict";
import { Fault, type FaultCode } from "../../../../../pkg/fault/mod.ts";
import { startTrouble } from "./refusals.ts";

const said = (code: FaultCode, text: string): Fault =>
  new Fault(code, `Docker answered: ${text}`, { publicMessage: `Docker: ${text}` });

const CASES: readonly (readonly [error: Fault, reason: string, text: RegExp])[] = [
  [
    said("invalid_argument", 'exec: "/no-such": stat /no-such: no such file or directory'),
    "crash_loop",
    /^The container cannot be started: exec: "\/no-such"/,
  ],
  [
    said("unavailable", "mkdir /var/lib/docker/overlay2/x: no space left on device"),
    "unschedulable",
    /no space left on device\. The machine has no disk space left\. It is tried again/,
  ],
  [
    said("unavailable", "all predefined address pools have been fully subscribed"),
    "sandbox",
    /no network addresses left/,
  ],
  [
    said(
      "invalid_argument",
      "could not find an available, non-overlapping IPv4 address pool among the defaults",
    ),
    "sandbox",
    /default-address-pools/,
  ],
  [
    said("unavailable", "no available IPv4 addresses on this network's address pools: n"),
    "sandbox",
    /addresses/,
  ],
  [
    said("unavailable", "Bind for 127.0.0.1:1 failed: port is already allocated"),
    "unschedulable",
    /--host-ports/,
  ],
  [
    new Fault("failed_precondition", 'the container name "unkey-a-0" belongs to somebody else'),
    "refused",
    /operator removes that container/,
  ],
  [
    said("unavailable", "runc create failed: unable to apply cgroup configuration: permission denied"),
    "refused",
    /operator looks at its engine/,
  ],
  [said("not_found", "No such image: shop:1"), "cluster_trouble", /pulled again/],
];

Deno.test("startTrouble() tells the machine's troubles from those of the image", async (t) => {
  for (const [error, reason, text] of CASES) {
    await t.step(error.message, () => {
      const trouble = startTrouble(error);
      assert.equal(trouble?.reason, reason);
      assert.match(trouble?.message ?? "", text);
    });
  }
  const away = new Fault("unavailable", "cannot reach the Docker Engine", { cause: new Error("refused") });
  assert.equal(startTrouble(away), undefined, "an engine that is not there has refused nothing");
});
