import type { Socket } from "node:net";
import type { HttpTimes } from "./node_http.ts";

/** Times of one HTTP/1.1 connection; the requests are read by Node's server. */
export class Http1Connection {
  readonly socket: Socket;
  readonly #times: HttpTimes;
  #running = 0;
  #served = false;
  #leaving = false;
  /** Since when no request runs. */
  #idleMs = performance.now();
  /** Since when a request comes whose head is not complete; whatever it sends meanwhile. */
  #headMs: number | undefined;
  #bytesRead: number;

  constructor(socket: Socket, times: HttpTimes) {
    this.socket = socket;
    this.#times = times;
    this.#bytesRead = socket.bytesRead;
    // The first byte is there already.
    this.#headMs = this.#idleMs;
  }

  /** A request's head is complete. */
  began(): void {
    this.#running++;
    this.#served = true;
    this.#headMs = undefined;
  }

  /** A request was answered. */
  ended(): void {
    this.#running--;
    if (this.#running > 0) return;
    this.#idleMs = performance.now();
    this.#bytesRead = this.socket.bytesRead;
    if (this.#leaving) this.socket.end();
  }

  /** Ends what has waited too long. */
  sweep(nowMs: number): void {
    if (this.#running > 0) return;
    const { headMsMax, keepAliveMs } = this.#times;
    const { bytesRead } = this.socket;
    if (this.#headMs === undefined && bytesRead !== this.#bytesRead) this.#headMs = nowMs;
    const headLate = this.#headMs !== undefined && nowMs - this.#headMs > headMsMax;
    const idleLate = nowMs - this.#idleMs > (this.#served ? keepAliveMs : headMsMax);
    if (headLate || (this.#headMs === undefined && idleLate)) this.socket.destroy();
  }

  /** Ends the connection when its requests have ended. */
  leave(): void {
    this.#leaving = true;
    if (this.#running === 0) this.socket.destroy();
  }

  /** True if its next response should say that it is the last. */
  get isLeaving(): boolean {
    return this.#leaving;
  }
}
