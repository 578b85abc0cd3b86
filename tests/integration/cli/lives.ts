/** The life of a deployment as the worker would write it, without a worker. */
import { transact } from "../../../pkg/db/mod.ts";
import type { DeploymentStatus, FailureCode } from "../../../svc/ctrl/internal/deployments/status.ts";
import {
  appendLogLines,
  type CtrlDatabase,
  endStep,
  moveStatus,
  setImage,
  startStep,
  type Tx,
} from "../../../svc/ctrl/internal/store/mod.ts";
import { clock } from "../../../svc/ctrl/services/testing.ts";

/** The end of a deployment. */
export interface Ending {
  readonly status: Extract<DeploymentStatus, "ready" | "failed" | "cancelled" | "superseded">;
  readonly failureCode?: FailureCode;
}

export interface Life {
  readonly ending: Ending;
  /** The output of the build: each item in a transaction of its own. */
  readonly output: readonly (readonly string[])[];
  /** Called before each transaction. */
  readonly beforeEach: () => Promise<void>;
}

/** Builds the deployment, and ends it. */
export async function live(db: CtrlDatabase, id: string, life: Life): Promise<void> {
  const step = { deploymentId: id, name: "building" } as const;
  const write = async (work: (tx: Tx) => Promise<unknown>): Promise<void> => {
    await life.beforeEach();
    await transact(db, work);
  };
  await write(async (tx) => {
    await moveStatus(tx, { id, from: ["pending"], to: "building", nowMs: clock.now() });
    await startStep(tx, { ...step, message: "Building the image.", nowMs: clock.now() });
  });
  for (const lines of life.output) {
    await write((tx) => appendLogLines(tx, id, { source: "build", origin: "RUN make", lines }, clock.now()));
  }
  const { status, failureCode: code } = life.ending;
  const failedBuild = code === "build_failed";
  await write(async (tx) => {
    await endStep(tx, {
      ...step,
      status: failedBuild ? "failed" : "done",
      errorMessage: "",
      nowMs: clock.now(),
    });
    if (failedBuild) return;
    await setImage(tx, { id, image: "app:1", nowMs: clock.now() });
    await moveStatus(tx, { id, from: ["building"], to: "deploying", nowMs: clock.now() });
    await startStep(tx, { ...step, name: "deploying", message: "Starting.", nowMs: clock.now() });
  });
  const failure = code === undefined ? {} : { failure: { code, message: `It ended with ${code}.` } };
  await write((tx) =>
    moveStatus(tx, { id, from: ["building", "deploying"], to: status, nowMs: clock.now(), ...failure })
  );
}
