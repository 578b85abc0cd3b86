import assert from "node:assert/strict";
import { baseDirectories, stopSignals } from "./mod.ts";

function directories(os: string, env: Readonly<Record<string, string>>) {
  return baseDirectories((name) => env[name], os);
}

Deno.test("Linux and macOS have the folders of the XDG base directories", async (t) => {
  for (const os of ["linux", "darwin"]) {
    await t.step(os, () =>
      assert.deepEqual(directories(os, { HOME: "/home/ann" }), {
        config: "/home/ann/.config/unkey",
        cache: "/home/ann/.cache/unkey",
        data: "/home/ann/.local/share/unkey",
        temporary: "/tmp",
      }));
  }
});

Deno.test("Windows has its folders for programs' data", () => {
  const env = {
    USERPROFILE: "C:\\Users\\Ann",
    APPDATA: "C:\\Users\\Ann\\AppData\\Roaming",
    LOCALAPPDATA: "D:\\Local",
    TEMP: "D:\\Temp",
  };
  assert.deepEqual(directories("windows", env), {
    config: "C:\\Users\\Ann\\AppData\\Roaming\\unkey",
    cache: "D:\\Local\\unkey\\cache",
    data: "D:\\Local\\unkey\\data",
    temporary: "D:\\Temp",
  });
  assert.equal(
    directories("windows", { USERPROFILE: "C:\\Users\\Ann" }).config,
    "C:\\Users\\Ann\\AppData\\Roaming\\unkey",
  );
});

Deno.test("XDG variables go before the system's folders; empty ones count as not set", () => {
  assert.equal(directories("linux", { HOME: "/h", XDG_CONFIG_HOME: "/x" }).config, "/x/unkey");
  assert.equal(directories("linux", { HOME: "/h", XDG_CACHE_HOME: "" }).cache, "/h/.cache/unkey");
  assert.equal(directories("windows", { USERPROFILE: "C:\\U", XDG_DATA_HOME: "D:\\x" }).data, "D:\\x\\unkey");
});

Deno.test("a user without a home gets the folder for temporary files", () => {
  assert.equal(directories("linux", {}).config, "/tmp/.config/unkey");
});

Deno.test("Windows is asked for no signal that it does not have", () => {
  assert.deepEqual(stopSignals("windows"), ["SIGINT", "SIGBREAK"]);
  assert.deepEqual(stopSignals("linux"), ["SIGINT", "SIGTERM"]);
});
