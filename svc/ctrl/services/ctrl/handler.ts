import type { ServiceImpl } from "@connectrpc/connect";
import type { CtrlService } from "../../../../proto/gen/ctrl/v1/ctrl_pb.ts";

export interface CtrlDeps {
  readonly version: string;
  readonly instanceId: string;
}

/** Adapts `ctrl.v1.CtrlService`, which says that the process answers. */
export function ctrlHandlers({ version, instanceId }: CtrlDeps): ServiceImpl<typeof CtrlService> {
  return { liveness: () => ({ status: "ok", version, instanceId }) };
}
