/**
 * `ctrl worker` as a process that kills itself before or after one of its steps.
 *
 * It loads everything and then waits on standard input: `go` runs the worker; `crash <step> <before|after>` arms it,
 * where steps are counted from this line on; `calm` disarms it. Each line is answered with `ok <steps so far>`.
 */
import { createInterface } from "node:readline";
import process from "node:process";
import { StepActivity } from "../../pkg/durable/mod.ts";
import { runTestWorker } from "../integration/worker_process.ts";

/** Dies at the armed step: before its effect, or after the effect and before Restate knows of it. */
class CrashingActivity extends StepActivity {
  #steps = 0;
  #armed: { readonly at: number; readonly when: string } | undefined;

  arm(at: number, when: string): void {
    this.#steps = 0;
    this.#armed = { at, when };
  }

  calm(): number {
    this.#armed = undefined;
    return this.#steps;
  }

  override async track<T>(name: string, work: () => Promise<T>): Promise<T> {
    const hit = this.#armed !== undefined && this.#steps === this.#armed.at;
    this.#steps++;
    if (hit && this.#armed?.when === "before") die(name);
    const result = await super.track(name, work);
    if (hit) die(name);
    return result;
  }
}

function die(step: string): void {
  Deno.stderr.writeSync(new TextEncoder().encode(`crash at "${step}"\n`));
  Deno.kill(Deno.pid, "SIGKILL");
}

const activity = new CrashingActivity();
createInterface({ input: process.stdin }).on("line", (line) => {
  const [word, at, when = ""] = line.split(" ");
  if (word === "go") void runTestWorker({ activity });
  if (word === "crash") activity.arm(Number(at), when);
  const steps = word === "calm" ? activity.calm() : 0;
  Deno.stdout.writeSync(new TextEncoder().encode(`ok ${steps}\n`));
});
