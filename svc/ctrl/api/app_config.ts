import { field, integerSchema } from "../../../pkg/config/mod.ts";

/** The operator's bounds of how apps are run. */
export const APP_FIELDS = {
  stopSecondsMax: field({
    flag: "stop-seconds-max",
    env: "UNKEY_STOP_SECONDS_MAX",
    placeholder: "<seconds>",
    help: "The longest time that an app can ask for to end after its stop signal.",
    schema: integerSchema(300, 1, 3_600),
  }),
  ephemeralStorageMax: field({
    flag: "ephemeral-storage-max",
    env: "UNKEY_EPHEMERAL_STORAGE_MAX",
    placeholder: "<MiB>",
    help: "The most disk that an app can ask for for each instance.",
    schema: integerSchema(20_480, 16, 16_777_216),
  }),
};
