/**
 * The advice to a program that its node cannot run; empty for any other trouble. What the program was built for is in the
 * program alone: an image may say something else.
 */
export function platformAdvice(platform: string | undefined, lines: readonly string[]): string {
  if (platform === undefined || !lines.some((line) => line.includes("exec format error"))) return "";
  return ` This region's machine is ${platform}, and the program is for another platform, such as ${
    otherOf(platform)
  }, or ` +
    `is a script without "#!". Build with --platform ${platform}.`;
}

/** The platform of most machines that are not of this one. */
function otherOf(platform: string): string {
  return platform === "linux/arm64" ? "linux/amd64" : "linux/arm64";
}
