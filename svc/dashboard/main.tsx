/// <reference lib="dom" />
/** The dashboard in the browser. It knows the generated messages, and nothing of the services. */
import { render } from "preact";
import { systemClock } from "../../pkg/clock/mod.ts";
import { createApi } from "./api/clients.ts";
import { followAddress } from "./api/router.ts";
import { App } from "./app.tsx";

const root = document.getElementById("app");
if (root !== null) {
  const route = followAddress(window);
  const go = (path: string): void => {
    history.pushState(null, "", path);
    dispatchEvent(new PopStateEvent("popstate"));
  };
  render(<App api={createApi(location.origin, document, systemClock())} route={route} go={go} />, root);
}
