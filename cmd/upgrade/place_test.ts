import assert from "node:assert/strict";
import { join } from "node:path";
import { temporaryFolder } from "../shared/testing.ts";
import { checkPlace } from "./place.ts";

async function withOwners(
  test: (owners: Parameters<typeof checkPlace>[1] & object, folder: string) => Promise<void>,
): Promise<void> {
  await using folder = await temporaryFolder();
  const path = (name: string): string => join(folder.path, name);
  await test(
    { debianList: path("list"), serviceProgram: path("unkey"), serviceUnit: path("unit") },
    folder.path,
  );
}

Deno.test("an executable that no package and no service has may be replaced", () =>
  withOwners(async (owners, folder) => {
    await Deno.writeTextFile(owners.debianList, "/.\n/usr/bin/unkey\n");
    await checkPlace(join(folder, "unkey"), owners);
  }));

Deno.test("the executable of a Debian package is not replaced", () =>
  withOwners(async (owners) => {
    await Deno.writeTextFile(owners.debianList, "/.\n/usr/bin/unkey\n");
    await assert.rejects(checkPlace("/usr/bin/unkey", owners), { message: /apt-get install/ });
  }));

Deno.test("the executable of the service is not replaced: its own upgrade fails no request", () =>
  withOwners(async (owners) => {
    await Deno.writeTextFile(owners.serviceUnit, "");
    await assert.rejects(checkPlace(owners.serviceProgram, owners), {
      message: /--output-file .* up --install/,
    });
  }));
