/**
 * How the executable sets up its heap. Left alone, V8 gives the young generation 48 MiB and lets the old one double before
 * it collects it: in a server that holds a thousand idle streams, most of its memory is then garbage. Throughput is the
 * same with these as without, within what `deno task bench api edge` can tell apart.
 */
export const V8_FLAGS = "--max-semi-space-size=8,--heap-growing-percent=50";
