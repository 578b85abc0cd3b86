import { networkOf, SharedCount } from "../tcp/mod.ts";
import type { Failure, ProxyOptions, ProxyRequest } from "./types.ts";

/** Requests that run, by client and by app: neither may have the whole proxy. */
export class Shares {
  readonly #options: ProxyOptions;
  readonly #clients: SharedCount;
  readonly #apps: SharedCount;

  constructor(options: ProxyOptions) {
    const { requestsPerClientMax, requestsPerAppMax } = options.limits;
    this.#options = options;
    this.#clients = new SharedCount({ max: Infinity, perKeyMax: requestsPerClientMax });
    this.#apps = new SharedCount({ max: Infinity, perKeyMax: requestsPerAppMax });
  }

  /**
   * Counts a request, or says why there are too many.
   *
   * @returns the function that ends the count
   */
  take(request: ProxyRequest): (() => void) | Failure {
    const { clientAddress } = request;
    const client = networkOf(clientAddress);
    const app = this.#options.appOf?.(request) ?? request.host;
    if (this.#apps.take(app) !== undefined) {
      const detail = `${this.#apps.of(app)} requests to the app are under way, as many as it may have.`;
      return { kind: "too_many_requests", detail };
    }
    // The clients behind a balancer share its address.
    const unbounded = this.#options.trusts(clientAddress);
    if (this.#clients.take(client, { unbounded }) !== undefined) {
      this.#apps.give(app);
      const detail = `${
        this.#clients.of(client)
      } requests of your address are under way, as many as it may have.`;
      return { kind: "too_many_from_client", detail };
    }
    return () => {
      this.#clients.give(client);
      this.#apps.give(app);
    };
  }
}
