/** Variables that a runtime may lose or change, and an app that answers with those that it was given. */
import assert from "node:assert/strict";
import { shell } from "./testing.ts";

/** Names and values at the limits of what the platform takes. */
export const ODD_VARIABLES: Readonly<Record<string, string>> = {
  "spring.datasource.url": "jdbc:x?a=b&c=d",
  "Logging__LogLevel__Microsoft.AspNetCore": "Warning",
  "npm-token": "a",
  "-hyphen": "b",
  ".dot": "c",
  "_underscore": "d",
  "a..b": "e",
  ["L".repeat(253)]: "long",
  EMPTY: "",
  LINES: "-----BEGIN KEY-----\nabc==\r\n\n-----END KEY-----\n",
  SPACES: "  a\tb  ",
  QUOTES: `"double" 'single' \`back\` \\n \\`,
  REFERENCES: "$(EMPTY) $$ ${HOME} $HOME %PATH%",
  UNICODE: "Grüße, 世界 🚀",
  LARGE: "x".repeat(60_000),
};

/** An app that serves the variables of its first process; a shell would drop names that it cannot have. */
export const ENVIRON_SERVER = shell(
  'mkdir -p /tmp/www; cat /proc/1/environ >/tmp/www/environ; httpd -f -p "$PORT" -h /tmp/www & wait',
);

/** Fails unless the app at this address was given all odd variables as they are. */
export async function assertGiven(address: string): Promise<void> {
  const text = await (await fetch(`http://${address}/environ`)).text();
  const given = new Map(
    text.split("\0").map((each): [string, string] => {
      const at = each.indexOf("=");
      return [each.slice(0, at), each.slice(at + 1)];
    }),
  );
  for (const [name, value] of Object.entries(ODD_VARIABLES)) assert.equal(given.get(name), value, name);
}
