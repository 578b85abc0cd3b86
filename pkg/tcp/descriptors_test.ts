import assert from "node:assert/strict";
import { DESCRIPTORS_DEFAULT, descriptorsMax, shareOfDescriptors } from "./mod.ts";

const FILE = `Limit                     Soft Limit           Hard Limit           Units
Max processes             95812                95812                processes
Max open files            1024                 524288               files
`;

Deno.test("descriptorsMax() reads the soft limit of the process", () => {
  assert.equal(descriptorsMax(() => FILE), 1024);
  assert.equal(descriptorsMax(() => FILE.replace("1024  ", "unlimited")), Infinity);
});

Deno.test("descriptorsMax() is careful where the system does not say", () => {
  assert.equal(descriptorsMax(() => "Max open files"), DESCRIPTORS_DEFAULT);
  const missing = (): string => {
    throw new Deno.errors.NotFound("no such file");
  };
  assert.equal(descriptorsMax(missing), DESCRIPTORS_DEFAULT);
});

Deno.test("shareOfDescriptors() gives no more than is wanted, and at least one", () => {
  assert.equal(shareOfDescriptors(0.5, Infinity, 1064), 500);
  assert.equal(shareOfDescriptors(0.5, 100, 1064), 100);
  assert.equal(shareOfDescriptors(0.5, 100, 10), 1);
  assert.equal(shareOfDescriptors(0.5, 100, Infinity), 100);
});
