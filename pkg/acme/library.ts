import type * as Library from "acme-client";
import { CaProblem } from "./outcome.ts";
import { scopes, send } from "./transport.ts";

/** The parts of the library that are used. */
export type AcmeLibrary = Pick<typeof Library, "Client" | "axios" | "crypto">;

let loading: Promise<AcmeLibrary> | undefined;

/** The library, loaded at the first call: it takes a second and 35 MB, which a worker without certificates does not pay. */
export function loadLibrary(): Promise<AcmeLibrary> {
  loading ??= load();
  return loading;
}

async function load(): Promise<AcmeLibrary> {
  // A bundle gives a CommonJS module as the default export only.
  const { default: library } = await import("acme-client");
  // Its own adapter has no limits. An error without a `config` passes by its own retries, which would sleep for hours.
  library.axios.defaults.adapter = async (config) => {
    const scope = scopes.getStore();
    if (scope === undefined) {
      throw new CaProblem("a request outside of a call", { status: 0, type: "internal" });
    }
    const { status, headers, text } = await send(scope, {
      url: config.url ?? "",
      method: (config.method ?? "get").toUpperCase(),
      headers: { "content-type": "application/jose+json" },
      body: typeof config.data === "string" ? config.data : undefined,
    });
    return { status, statusText: "", headers: { ...headers }, data: text, config };
  };
  return library;
}
