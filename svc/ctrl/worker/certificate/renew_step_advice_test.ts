/** Questions about renewals, to an authority that answers no one before eight have asked. */
import assert from "node:assert/strict";
import { openAuthority } from "../../../../pkg/acme/mod.ts";
import { systemClock } from "../../../../pkg/clock/mod.ts";
import { silentLogger } from "../../../../pkg/logger/mod.ts";
import { Secret } from "../../../../pkg/secret/mod.ts";
import { createVault, parseMasterKeys } from "../../../../pkg/vault/mod.ts";
import { dataKeyStore } from "../../internal/store/mod.ts";
import { CERTIFICATE_ROWS } from "../../internal/store/testing_rows_certificates.ts";
import { memoryDatabase, recordingNotifier } from "../testing.ts";
import { Authorities } from "./authorities.ts";
import { takeAdvice } from "./renew_step.ts";

const AT_ONCE = 8;
const COUNT = 2 * AT_ONCE;

/** The part of ACME that is asked; an answer comes when `AT_ONCE` questions wait for theirs. */
function slowAuthority() {
  const waiting: (() => void)[] = [];
  const server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => undefined },
    async (request) => {
      const { origin, pathname } = new URL(request.url);
      if (pathname === "/dir") return Response.json({ renewalInfo: `${origin}/renewal` });
      await new Promise<void>((resolve) => {
        waiting.push(resolve);
        if (waiting.length === AT_ONCE) { for (const answer of waiting.splice(0)) answer(); }
      });
      const suggestedWindow = { start: "2030-01-02T00:00:00Z", end: "2030-01-03T00:00:00Z" };
      return Response.json({ suggestedWindow }, { headers: { "retry-after": "3600" } });
    },
  );
  return { server, directoryUrl: `http://127.0.0.1:${server.addr.port}/dir` };
}

/** One after the other, fifty answers of an authority that is slow took as long as all of them together. */
Deno.test("an authority is asked about several certificates at a time", async () => {
  const { server, directoryUrl } = slowAuthority();
  const [db, clock] = [await memoryDatabase(), systemClock()];
  try {
    const rows = Array.from({ length: COUNT }, (_, at) => ({
      ...CERTIFICATE_ROWS.certificates,
      id: `c${at}`,
      hostname: `h${at}.example.com`,
      advice_at: 1,
      renewal_id: `key.${at}`,
      directory_url: directoryUrl,
    }));
    await db.kysely.insertInto("certificates").values(rows).execute();
    const vault = createVault({
      masterKeys: parseMasterKeys(new Secret("bWFzdGVyLW1hc3Rlci1tYXN0ZXItbWFzdGVyLW1hc3Q=")),
      store: dataKeyStore(db.kysely),
      clock,
    });
    const all = [{ authority: openAuthority({ directoryUrl, clock }), limits: undefined }];
    const authorities = new Authorities(all, { db, clock, vault, email: undefined });
    const given = { db, clock, log: silentLogger(), vault, changes: recordingNotifier(), authorities };
    await takeAdvice({ ...given, records: undefined }, AbortSignal.timeout(60_000));
    const after = await db.kysely.selectFrom("certificates").select(["renew_at"]).execute();
    const [from, to] = [Date.UTC(2030, 0, 2), Date.UTC(2030, 0, 3)];
    assert.ok(after.every(({ renew_at: at }) => at >= from && at <= to), JSON.stringify(after));
  } finally {
    await db.close();
    await server.shutdown();
  }
});
