// What the program needs and Deno 2.6 lacks; loaded before it when `dev/compile.ts` has only that runtime.
import net from "node:net";
import process from "node:process";
import threads from "node:worker_threads";

// A newer undici calls it while it loads.
threads.markAsUncloneable ??= () => {};

// Deno 2.6 lets go of a signal made by `AbortSignal.any` although a listener remains: after a garbage collection
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

// Deno 2.6 refuses the option `onread` of a connection, which reads into one buffer: here it is fed from data events.
const { connect } = net.Socket.prototype;
net.Socket.prototype.connect = function (...args) {
  const { onread } = (Array.isArray(args[0]) ? args[0][0] : args[0]) ?? {};
  if (!onread) return connect.apply(this, args);
  for (const symbol of Object.getOwnPropertySymbols(this)) {
    if (symbol.description === "kBuffer") this[symbol] = null;
  }
  this.on("data", (chunk) => {
    const buffer = typeof onread.buffer === "function" ? onread.buffer() : onread.buffer;
    const part = chunk.subarray(0, buffer.length);
    buffer.set(part);
    if (onread.callback(part.length, buffer) === false) this.pause();
    // Last, because it comes back at once unless the connection was paused.
    if (part.length < chunk.length) this.unshift(chunk.subarray(part.length));
  });
  return connect.apply(this, args);
};

// Deno 2.6 reads twice at once into one piece of memory when a connection is paused and resumed while it waits for bytes,
// so that some of them arrive twice and others never. Here a pause waits for the read that is under way.
const { TCP } = process.binding("tcp_wrap");
const stream = Object.getPrototypeOf(Object.getPrototypeOf(TCP.prototype));
const { readStart, readStop } = stream;
const { pause } = net.Socket.prototype;
const [wrapped, reading, inside, ending] = [Symbol(), Symbol(), Symbol(), Symbol()];
let pausing;

net.Socket.prototype.pause = function () {
  const outer = pausing;
  pausing = this._handle;
  try {
    return pause.call(this);
  } finally {
    pausing = outer;
  }
};

stream.readStart = function () {
  if (this[reading] && this[ending]) {
    this[ending] = false; // the read that is under way goes on
    return 0;
  }
  if (!this[wrapped]) {
    this[wrapped] = true;
    wrapOnread(this);
  }
  this[reading] = true;
  return readStart.call(this);
};

stream.readStop = function () {
  if (this[reading] && (this[inside] || pausing === this)) {
    this[ending] = true;
    return 0;
  }
  this[reading] = this[ending] = false;
  return readStop.call(this);
};

function wrapOnread(handle) {
  const { onread } = handle;
  handle.onread = function (bytes, count) {
    this[inside] = true;
    try {
      return onread.call(this, bytes, count);
    } finally {
      this[inside] = false;
      if (this[ending] || count < 0) {
        this[reading] = this[ending] = false;
        readStop.call(this);
      }
    }
  };
}
