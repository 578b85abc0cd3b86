// What the program needs and Deno 2.6 lacks; loaded before it when `dev/compile.ts` has only that runtime.
import net from "node:net";
import threads from "node:worker_threads";

// A newer undici calls it while it loads.
threads.markAsUncloneable ??= () => {};

// Deno 2.6 lets go of a signal made by `AbortSignal.any` although somebody listens to it: after a garbage collection
// the listeners are never called. Here it is held for as long as it has listeners.
const held = new Set();
const any = AbortSignal.any.bind(AbortSignal);
AbortSignal.any = (signals) => {
  const signal = any(signals);
  if (signal.aborted) return signal;
  const listeners = new Set();
  const { addEventListener, removeEventListener } = EventTarget.prototype;
  signal.addEventListener = (type, listener, options) => {
    if (type === "abort" && listener) {
      listeners.add(listener);
      held.add(signal);
    }
    addEventListener.call(signal, type, listener, options);
  };
  signal.removeEventListener = (type, listener, options) => {
    if (type === "abort" && listeners.delete(listener) && listeners.size === 0) held.delete(signal);
    removeEventListener.call(signal, type, listener, options);
  };
  addEventListener.call(signal, "abort", () => held.delete(signal), { once: true });
  return signal;
};

// Deno 2.6 counts the end of some connections twice, and a server whose count is not zero never reports its close.
const { _emitCloseIfDrained } = net.Server.prototype;
net.Server.prototype._emitCloseIfDrained = function () {
  this._connections = Math.max(0, this._connections);
  _emitCloseIfDrained.call(this);
};
