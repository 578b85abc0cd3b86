import type { Clock } from "../../../../pkg/clock/mod.ts";
import type { Logger } from "../../../../pkg/logger/mod.ts";
import type { ObjectStore } from "../../../../pkg/objectstore/mod.ts";
import type { CtrlDatabase } from "../../internal/store/mod.ts";

/** A full pack, and the largest chunk behind it. */
export const PACK_BYTES_MAX = 9 << 20;

/** Limits of contexts that are uploaded by content. */
export interface ContextLimits {
  /** Bytes of all files of one context. */
  readonly contentBytesMax: number;
  /** Files, folders and links of one context. */
  readonly entriesMax: number;
  /** Bytes of all packs of a workspace. */
  readonly workspaceBytesMax: number;
}

/** The parts that the upload use cases work with. */
export interface UploadDeps {
  readonly db: CtrlDatabase;
  readonly clock: Clock;
  readonly log: Logger;
  readonly objects: ObjectStore;
  readonly limits: ContextLimits;
  /** Counts a pack that was uploaded. */
  readonly uploaded?: (bytes: number) => void;
}
