/** Build slots behind the deploys that tests play. */
import { execute, type World } from "../../../pkg/testkit/fake_durable.ts";
import type { CtrlDatabase } from "../internal/store/mod.ts";
import { BUILD_SLOT_SERVICE, DEPLOYMENT_SERVICE } from "../internal/workflows/names.ts";
import { type BuildSlots, slotSignal } from "./deploy/queue_stage.ts";
import type { AcquireAnswer, AcquireRequest } from "./slots/contract.ts";
import { createSlotSteps } from "./slots/steps.ts";
import type { SlotLimits, SlotSteps } from "./slots/types.ts";
import { acquire, release } from "./slots/workflow.ts";

export const SLOT_LIMITS: SlotLimits = {
  buildsMax: 1,
  ageingMs: 600_000,
  leaseMs: 2_400_000,
  offerMs: 60_000,
  recheckMs: 30_000,
  waitingMax: 1_000,
};

export function slotSteps(
  db: CtrlDatabase,
  world: { readonly nowMs: number },
  limits: Partial<SlotLimits> = {},
): SlotSteps {
  const clock = {
    now: () => world.nowMs,
    sleep: () => Promise.reject(new Error("nothing here sleeps by the clock")),
  };
  return createSlotSteps({ db, clock, limits: { ...SLOT_LIMITS, ...limits } });
}

/** The workflow's calls of the build slots, on the fake. */
export const SLOTS_ON_FAKE: BuildSlots = {
  acquire: (durable, key, request) =>
    durable.call<AcquireRequest, AcquireAnswer>(
      { service: BUILD_SLOT_SERVICE, handler: "acquire", key },
      request,
    ),
  release: (durable, key, deploymentId) =>
    durable.send({ service: BUILD_SLOT_SERVICE, handler: "release", key }, { deploymentId }),
};

/** The slot service's answer; its messages are left in the world. */
export async function askForSlot(
  db: CtrlDatabase,
  world: World,
  key: string,
  request: AcquireRequest,
): Promise<AcquireAnswer> {
  const { result } = await execute((durable) => acquire(durable, slotSteps(db, world), request), {
    key,
    world,
  });
  if (!result.ok) throw result.error;
  return result.value;
}

export async function giveSlotBack(
  db: CtrlDatabase,
  world: World,
  key: string,
  deploymentId: string,
): Promise<void> {
  const { result } = await execute(
    (durable) => release(durable, slotSteps(db, world), { deploymentId }),
    { key, world },
  );
  if (!result.ok) throw result.error;
}

/** Delivers what deploys and slots have sent each other, as Restate would; `id` is the deployment whose world it is. */
export async function deliverSlotMessages(db: CtrlDatabase, world: World, id: string): Promise<void> {
  for (;;) {
    const at = world.sent.findIndex((each) =>
      each.service === BUILD_SLOT_SERVICE || each.service === DEPLOYMENT_SERVICE
    );
    const [message] = at < 0 ? [] : world.sent.splice(at, 1);
    if (message === undefined) return;
    const { key = "", handler, input } = message;
    // The contracts' types: what was sent was checked there.
    if (handler === "release") {
      await giveSlotBack(db, world, key, (input as { deploymentId: string }).deploymentId);
    } else if (handler === "slotOffered" && key === id) {
      world.signals.add(slotSignal((input as { ticket: number }).ticket));
    }
  }
}
