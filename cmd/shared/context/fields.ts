import { switchField } from "../../../pkg/config/mod.ts";
import { PLACE_FIELDS } from "../place.ts";

/** Settings that say which files a build is given. */
export const CONTEXT_FIELDS = {
  ...PLACE_FIELDS,
  includeGit: switchField({
    flag: "include-git",
    env: "UNKEY_INCLUDE_GIT",
    file: "build.includeGit",
    help: "Send .git, too. So do a line !.git of .dockerignore, and a Dockerfile that copies it.",
  }),
};
