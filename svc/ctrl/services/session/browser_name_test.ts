import assert from "node:assert/strict";
import { browserName } from "./browser_name.ts";

Deno.test("browserName() knows the common browsers and systems, and keeps no text of a client", () => {
  const chrome = "AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Safari/537.36";
  const cases: readonly (readonly [agent: string, name: string])[] = [
    [`Mozilla/5.0 (X11; Linux x86_64) ${chrome}`, "Chrome on Linux"],
    [`Mozilla/5.0 (X11; CrOS x86_64 1) ${chrome}`, "Chrome on ChromeOS"],
    [`Mozilla/5.0 (Windows NT 10.0; Win64; x64) ${chrome} Edg/156.0.0.0`, "Edge on Windows"],
    [`Mozilla/5.0 (Linux; Android 10; K) ${chrome}`, "Chrome on Android"],
    [
      "Mozilla/5.0 (Macintosh; Intel Mac OS X 10.15; rv:150.0) Gecko/20100101 Firefox/150.0",
      "Firefox on macOS",
    ],
    [
      "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605 Version/18.0 Mobile Safari/604.1",
      "Safari on iOS",
    ],
    ["Mozilla/5.0 (X11; Linux x86_64) HeadlessChrome/156.0.0.0 Safari/537.36", "Chrome on Linux"],
    ["curl/8.0", "A browser"],
    ["", "A browser"],
    ["<script>alert(1)</script> Firefox/1", "Firefox"],
  ];
  for (const [agent, name] of cases) assert.equal(browserName(agent), name);
});
