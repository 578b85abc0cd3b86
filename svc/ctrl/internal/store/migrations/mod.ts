/** All migrations, in order. Imported statically, so that a bundle holds them. */
import type { Migration } from "./migration.ts";
import { base } from "./0001_base.ts";
import { audit } from "./0002_audit.ts";
import { environments } from "./0002_environments.ts";
import { failureDetails } from "./0002_failure_details.ts";
import { buildSlots } from "./0003_build_slots.ts";
import { sentinels } from "./0004_sentinels.ts";
import { lifecycle } from "./0005_lifecycle.ts";
import { silentRegions } from "./0006_silent_regions.ts";
import { coldStarts } from "./0007_cold_starts.ts";
import { shownRevisions } from "./0008_shown_revisions.ts";
import { removedImages } from "./0009_removed_images.ts";
import { removedOutput } from "./0011_removed_output.ts";
import { stoppedInstances } from "./0011_stopped_instances.ts";
import { registries } from "./0012_registries.ts";
import { buildInputs } from "./0013_build_inputs.ts";

export const MIGRATIONS: readonly Migration[] = [
  base,
  audit,
  environments,
  failureDetails,
  buildSlots,
  sentinels,
  lifecycle,
  silentRegions,
  coldStarts,
  shownRevisions,
  removedImages,
  stoppedInstances,
  removedOutput,
  registries,
  buildInputs,
];
