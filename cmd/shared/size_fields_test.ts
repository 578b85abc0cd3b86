import assert from "node:assert/strict";
import { parseCpu, parseMemory, SIZE_FIELDS, sizeOf, sizeText } from "./size_fields.ts";

Deno.test("parseMemory() takes MiB, and the units that people write", () => {
  const sizes: readonly [string, number | undefined][] = [
    ["512", 512],
    ["512m", 512],
    ["512MB", 512],
    ["512 MiB", 512],
    ["1g", 1_024],
    ["1.5GiB", 1_536],
    ["0", undefined],
    ["-1", undefined],
    ["1.0001", undefined],
    ["512k", undefined],
    ["lots", undefined],
    ["", undefined],
  ];
  for (const [text, mib] of sizes) assert.equal(parseMemory(text), mib, text);
});

Deno.test("parseCpu() takes cores and millicores", () => {
  const sizes: readonly [string, number | undefined][] = [
    ["1", 1_000],
    ["0.25", 250],
    ["500m", 500],
    ["0", undefined],
    ["0m", undefined],
    ["1.5m", undefined],
    ["one", undefined],
  ];
  for (const [text, millicores] of sizes) assert.equal(parseCpu(text), millicores, text);
});

Deno.test("the fields refuse what they cannot read, and say what they take", () => {
  for (
    const [name, text, rule] of [["memory", "much", /512MiB/], ["cpu", "x", /500m/], [
      "replicas",
      "0",
      /from 1/,
    ]] as const
  ) {
    const { error } = SIZE_FIELDS[name].schema.safeParse(text);
    assert.match(error?.issues[0]?.message ?? "", rule);
    assert.equal(SIZE_FIELDS[name].schema.parse(undefined), undefined);
  }
});

Deno.test("sizeOf() is nothing when nothing is set, and leaves out what is not", () => {
  const none = { memory: undefined, cpu: undefined, replicas: undefined };
  assert.equal(sizeOf(none), undefined);
  assert.deepEqual(sizeOf({ ...none, memory: 512 }), { memoryMib: 512, cpuMillicores: 0, replicas: 0 });
  assert.equal(sizeText({ memoryMib: 512, cpuMillicores: 250 }), "512 MiB of memory, 0.25 cores");
});
