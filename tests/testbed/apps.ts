/** Apps as folders of files, made from the base image that `dev/lib.sh` provides. */

/** A file tree: path to text. */
export type App = Readonly<Record<string, string>>;

const BASE = "FROM busybox:stable";
const SERVE = `httpd -f -p \\"$PORT\\" -h /www & wait`;

/** Serves `text` as its page. */
export function serves(text: string, extra: readonly string[] = []): App {
  return {
    Dockerfile: [
      BASE,
      ...extra,
      "COPY www /www",
      `CMD ["sh", "-c", "trap 'exit 0' TERM; ${SERVE}"]`,
    ].join("\n"),
    "www/index.html": text,
  };
}

/** Serves `text`, but only after `seconds`. */
export function servesLate(text: string, seconds: number): App {
  return {
    Dockerfile: [
      BASE,
      "COPY www /www",
      `CMD ["sh", "-c", "trap 'exit 0' TERM; sleep ${seconds} & wait; ${SERVE}"]`,
    ].join("\n"),
    "www/index.html": text,
  };
}

/** Takes `seconds` to build. The marker keeps each build out of the cache of the one before. */
export function buildsSlowly(text: string, seconds: number, marker: string): App {
  return serves(text, [`RUN echo building ${marker} && sleep ${seconds}`]);
}

/** Fails in the build with exit code 3. */
export const FAILS_TO_BUILD: App = {
  Dockerfile: `${BASE}\nRUN echo "main.c:7: expected ;" && exit 3`,
};

/** Prints a line and exits with code 7. */
export const EXITS_AT_ONCE: App = {
  Dockerfile: `${BASE}\nCMD ["sh", "-c", "echo cannot find settings.toml; exit 7"]`,
};

/** Runs and never listens. */
export const NEVER_LISTENS: App = {
  Dockerfile: `${BASE}\nCMD ["sh", "-c", "trap 'exit 0' TERM; sleep 3600 & wait"]`,
};
