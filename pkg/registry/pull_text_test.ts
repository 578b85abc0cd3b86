import assert from "node:assert/strict";
import { pullFailureText } from "./mod.ts";

const IMAGE = "r.example/denied/app:1";

/** A registry can be any host that answers: its words are not for the user who named it. */
Deno.test("pullFailureText() names the kind of failure, and quotes no text of the registry", async (t) => {
  const table: readonly [said: string, tells: RegExp][] = [
    [
      `manifest for ${IMAGE} not found: manifest unknown: internal-secret-42`,
      /does not exist, or it is private\.$/,
    ],
    [
      "pull access denied for x, repository does not exist or may require 'docker login': internal-secret-42",
      /does not exist, or it is private\.$/,
    ],
    [`Get "https://r.example/v2/": unauthorized: authentication required internal-secret-42`, /refuses it/],
    ["toomanyrequests: You have reached your pull rate limit. internal-secret-42", /limits how often/],
    ["dial tcp: lookup r.example on 10.0.0.2:53: no such host internal-secret-42", /cannot be reached/],
    ["net/http: request canceled (Client.Timeout exceeded while awaiting headers)", /does not answer/],
    ["x509: certificate signed by unknown authority internal-secret-42", /no TLS certificate/],
    ["received unexpected HTTP status: 503 Service Unavailable internal-secret-42", /errors of its own/],
    ["no matching manifest for linux/arm64/v8 in the manifest list entries", /platform/],
    [
      'error parsing HTTP 418 response body: invalid character "i": "internal-secret-42 on /v2/"',
      /operator finds the reason/,
    ],
    ["", /operator finds the reason/],
  ];
  for (const [said, tells] of table) {
    await t.step(said, () => {
      const text = pullFailureText(IMAGE, said);
      assert.match(text, tells);
      assert.match(text, /^The image "r\.example\/denied\/app:1" could not be pulled: [^0-9]+$/);
    });
  }
});
