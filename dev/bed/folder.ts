/**
 * The bed's folder: one per machine, outside every checkout, because a node's network and addresses are the machine's.
 * `bed.json` in it says what runs and where; tests read it to find the bed.
 */
import { z } from "zod";
import { type Daemon, isAlive, kill, launch, type Program } from "./daemon.ts";

export const PART_NAMES = ["registry", "mysql", "s3", "acme", "kubernetes"] as const;
export type PartName = typeof PART_NAMES[number];

const PART = z.object({
  /** Where clients reach it. */
  address: z.string(),
  /** Further values for tests, by name. */
  facts: z.record(z.string(), z.string()),
  /** In the order of their start. */
  daemons: z.array(z.object({
    name: z.string(),
    command: z.string(),
    args: z.array(z.string()).readonly(),
    env: z.record(z.string(), z.string()),
    logFile: z.string(),
    pid: z.number(),
    startedTicks: z.string(),
  })),
});
const BED = z.partialRecord(z.enum(PART_NAMES), PART);

/** A part that was started; it runs as long as all of its processes do. */
export type StartedPart = z.infer<typeof PART>;

/** Where the bed of this machine is. `UNKEY_TESTBED_DIR` exists for the tests of the script itself. */
export function bedFolder(): string {
  return Deno.env.get("UNKEY_TESTBED_DIR") ?? "/var/lib/unkey-testbed";
}

/** A part that was started and whose processes all live; otherwise `undefined`. */
export function findPart(name: PartName): StartedPart | undefined {
  const part = recorded()[name];
  return part !== undefined && part.address !== "" && part.daemons.every(isAlive) ? part : undefined;
}

/** Everything that was started and not stopped, also when it is only half there. */
export function recorded(): Partial<Record<PartName, StartedPart>> {
  const file = `${bedFolder()}/bed.json`;
  let text: string;
  try {
    text = Deno.readTextFileSync(file);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return {};
    throw error;
  }
  const bed = BED.safeParse(JSON.parse(text));
  if (bed.success) return bed.data;
  throw new Error(`${file} is of another version: stop this bed from the checkout that started it.`);
}

/** Writes down what is known of a part, or forgets it. */
export function record(name: PartName, part: StartedPart | undefined): void {
  const { [name]: _, ...others } = recorded();
  const file = `${bedFolder()}/bed.json`;
  Deno.writeTextFileSync(`${file}.new`, JSON.stringify({ ...others, ...part && { [name]: part } }, null, 2));
  Deno.renameSync(`${file}.new`, file);
}

/** The bed, for a part that starts. Each process is written down at once, so that `stop` finds it even after a crash. */
export class Starting {
  readonly folder: string;
  readonly #name: PartName;
  readonly #daemons: Daemon[] = [];

  constructor(name: PartName) {
    this.#name = name;
    this.folder = `${bedFolder()}/${name}`;
    Deno.mkdirSync(this.folder, { recursive: true });
    Deno.mkdirSync(`${bedFolder()}/logs`, { recursive: true });
    record(name, { address: "", facts: {}, daemons: [] });
  }

  async launch(program: Omit<Program, "logFile" | "env"> & Partial<Pick<Program, "env">>): Promise<Daemon> {
    const logFile = `${bedFolder()}/logs/${program.name}.log`;
    const daemon = await launch({ env: {}, ...program, logFile });
    this.#daemons.push(daemon);
    record(this.#name, { address: "", facts: {}, daemons: this.#daemons });
    return daemon;
  }

  /** The part is ready for clients. */
  done(address: string, facts: Readonly<Record<string, string>>): void {
    record(this.#name, { address, facts: { ...facts }, daemons: this.#daemons });
  }
}

/** Kills one process of a part, and starts it again after `work`, however that ends. */
export async function withoutProcess(part: PartName, name: string, work: () => Promise<void>): Promise<void> {
  const daemon = recorded()[part]?.daemons.find((each) => each.name === name);
  if (daemon === undefined) throw new Error(`${part} has no process "${name}"`);
  await kill(daemon);
  try {
    await work();
  } finally {
    const again = await launch(daemon);
    const { address = "", facts = {}, daemons = [] } = recorded()[part] ?? {};
    record(part, { address, facts, daemons: daemons.map((each) => each.name === name ? again : each) });
  }
}

/** Runs `work` while no other script changes the bed. */
export async function withBedLock<Result>(work: () => Promise<Result>): Promise<Result> {
  using lock = await Deno.open("/run/lock/unkey-testbed.lock", { create: true, write: true });
  await lock.lock(true);
  return await work();
}
