/**
 * The heap of the executable, of `dev/up`, and of all that is measured. By default V8 gives the young generation 48 MiB and lets the old one double before
 * it collects it: in a server that holds a thousand idle streams, most of its memory is then garbage. With these it
 * serves as many calls and streams per second, within what `deno task bench api edge feed` can tell apart; a lower
 * growth than this lengthens the slowest hundredth of deliveries.
 */
export const V8_FLAGS = "--max-semi-space-size=8,--heap-growing-percent=75";
