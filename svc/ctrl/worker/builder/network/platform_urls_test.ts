import assert from "node:assert/strict";
import { Secret } from "../../../../../pkg/config/mod.ts";
import { platformUrls } from "./platform_urls.ts";

Deno.test("platformUrls() names each service of the platform once, without credentials", () => {
  const config = {
    restateAdminUrl: "http://restate:9070/admin",
    restateUrl: "http://restate:8080",
    restateApiKey: undefined,
    buildFilesUrl: undefined,
    buildS3Url: "https://s3.unkey.svc",
    databasePrimary: new Secret("mysql://unkey:s3cret@db.unkey.svc/unkey"),
    databaseReplica: new Secret("unkey:s3cret@tcp([fd00::5]:3307)/unkey"),
  };
  assert.deepEqual(platformUrls(config), [
    "http://restate:9070",
    "http://restate:8080",
    "https://s3.unkey.svc",
    "http://db.unkey.svc:3306",
    "http://[fd00::5]:3307",
  ]);
  const managed = {
    ...config,
    restateApiKey: new Secret("key"),
    buildS3Url: undefined,
    buildFilesUrl: "http://api:7091",
    databasePrimary: new Secret("sqlite:///data/unkey.db"),
    databaseReplica: undefined,
  };
  assert.deepEqual(platformUrls(managed), ["http://api:7091"]);
  const sockets = {
    ...managed,
    restateApiKey: undefined,
    restateAdminUrl: "unix:///data/admin.sock",
    restateUrl: "unix:///data/ingress.sock",
  };
  assert.deepEqual(platformUrls(sockets), ["http://api:7091"], "no build reaches a socket");
});
