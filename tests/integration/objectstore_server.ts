import { systemClock } from "../../pkg/clock/mod.ts";
import { Secret } from "../../pkg/config/mod.ts";
import { createFileObjectStore } from "../../pkg/objectstore/mod.ts";

/** A process that serves a file store and does nothing else, so that its memory can be measured. */
const [directory = "", port = "0"] = Deno.args;
const baseUrl = `http://127.0.0.1:${port}`;
const store = createFileObjectStore({
  directory,
  baseUrl,
  signingKey: new Secret("a key for tests"),
  sizeMaxBytes: 1024 ** 3,
  bytesFreeMin: 0,
  clock: systemClock(),
});
Deno.serve(
  { hostname: "127.0.0.1", port: Number(port), onListen: () => undefined },
  async (request) => await store.handler(request) ?? new Response(null, { status: 404 }),
);
