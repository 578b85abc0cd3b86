/** Files of settings as systemd reads them (`EnvironmentFile=`): a line `NAME="value"` each. */
import { publicFault } from "../../pkg/fault/mod.ts";

const LINE = /^([A-Z][A-Z0-9_]*)=(?:"((?:[^"\\]|\\.)*)"|([^"'\s\\]*))$/;

/** @throws `invalid_argument` for a value that such a file cannot hold */
export function envFileText(values: Readonly<Record<string, string>>): string {
  return Object.entries(values).map(([name, value]) => {
    if (/[\n\r\0]/.test(value)) {
      throw publicFault(
        "invalid_argument",
        `${name} has more than one line, which a file of settings cannot hold.`,
      );
    }
    return `${name}="${value.replace(/[\\"$`]/g, "\\$&")}"\n`;
  }).join("");
}

/**
 * The values of such a file.
 *
 * @param path for the message
 * @throws `failed_precondition` with the number of the line that is none
 */
export function parseEnvFile(text: string, path: string): Readonly<Record<string, string>> {
  const values: Record<string, string> = {};
  for (const [index, line] of text.split("\n").entries()) {
    const plain = line.trim();
    if (plain === "" || plain.startsWith("#")) continue;
    const [, name, quoted, bare] = LINE.exec(plain) ?? [];
    if (name === undefined) {
      throw publicFault(
        "failed_precondition",
        `${path}, line ${index + 1}, is no setting: it must look like NAME="value".`,
      );
    }
    values[name] = quoted?.replace(/\\(.)/g, "$1") ?? bare ?? "";
  }
  return values;
}
