import type * as Library from "acme-client";
import { CaProblem } from "./outcome.ts";
import { scopes, send } from "./transport.ts";

let loading: Promise<typeof Library> | undefined;

/** The library, loaded at the first call: it takes a second and 35 MB, which a worker without certificates does not pay. */
export function loadLibrary(): Promise<typeof Library> {
  loading ??= load();
  return loading;
}

async function load(): Promise<typeof Library> {
  const library = await import("acme-client");
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
