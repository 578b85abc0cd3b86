/** E.g. `1 line is`, `12,345 lines are`; the same in every locale. */
export function counted(count: number, noun: string): string {
  return `${count.toLocaleString("en-US")} ${count === 1 ? `${noun} is` : `${noun}s are`}`;
}
