import process from "node:process";
import type { Clock } from "../clock/mod.ts";
import { counter, gauge, histogram, type Metrics } from "./types.ts";

/** The names are those of Prometheus' own client libraries, so that dashboards for any process fit. */
export const PROCESS_METRICS = {
  cpu: counter("process_cpu_seconds_total", "Processor time of the process, in seconds."),
  memory: gauge("process_resident_memory_bytes", "Memory of the process that is in RAM."),
  heap: gauge("unkey_process_heap_bytes", "Memory of JavaScript objects; external: of buffers beside them.", [
    "kind",
  ]),
  started: gauge("process_start_time_seconds", "Start of the process, in seconds since 1970."),
  files: gauge("process_open_fds", "Open file descriptors; only on Linux."),
  lag: histogram(
    "unkey_event_loop_lag_seconds",
    "Lateness of a timer of half a second: all work of a process waits for so long.",
    [0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10],
  ),
};

export interface ProcessReader {
  cpuSeconds(): number;
  memory(): {
    readonly rss: number;
    readonly heapUsed: number;
    readonly heapTotal: number;
    readonly external: number;
  };
  /** `undefined` where the system does not say. */
  openFiles(): Promise<number | undefined>;
}

/** A timer of 10 ms, as libraries use it, takes 100 wake-ups a second of an idle process. */
const SAMPLE_MS = 500;

const THIS_PROCESS: ProcessReader = {
  cpuSeconds() {
    const { user, system } = process.cpuUsage();
    return (user + system) / 1e6;
  },
  memory: () => Deno.memoryUsage(),
  async openFiles() {
    try {
      let count = 0;
      for await (const _file of Deno.readDir("/proc/self/fd")) count++;
      return count;
    } catch {
      // Another system, or a folder that may not be read.
      return undefined;
    }
  },
};

/** Reads the process before each scrape, and samples its event loop until the end that it returns. */
export function watchProcess(
  metrics: Metrics,
  { clock, process: reader = THIS_PROCESS }: { readonly clock: Clock; readonly process?: ProcessReader },
): () => void {
  const cpu = metrics.counter(PROCESS_METRICS.cpu);
  const memory = metrics.gauge(PROCESS_METRICS.memory);
  const heap = metrics.gauge(PROCESS_METRICS.heap);
  const files = metrics.gauge(PROCESS_METRICS.files);
  metrics.gauge(PROCESS_METRICS.started).set({}, clock.now() / 1_000);
  let countedSeconds = 0;
  metrics.onScrape("process", async () => {
    const seconds = reader.cpuSeconds();
    cpu.add({}, Math.max(0, seconds - countedSeconds));
    countedSeconds = seconds;
    const { rss, heapUsed, heapTotal, external } = reader.memory();
    memory.set({}, rss);
    heap.set({ kind: "used" }, heapUsed);
    heap.set({ kind: "total" }, heapTotal);
    heap.set({ kind: "external" }, external);
    const open = await reader.openFiles();
    if (open !== undefined) files.set({}, open);
  });
  const lag = metrics.histogram(PROCESS_METRICS.lag);
  let dueMs = performance.now() + SAMPLE_MS;
  const timer = setInterval(() => {
    const nowMs = performance.now();
    lag.observe({}, Math.max(0, nowMs - dueMs) / 1_000);
    dueMs = nowMs + SAMPLE_MS;
  }, SAMPLE_MS);
  Deno.unrefTimer(timer);
  return () => clearInterval(timer);
}
