/** True if the kubelet refuses the image's user, as the standard `restricted` asks it to. */
export function isUserRefused(message: string): boolean {
  return message.includes("runAsNonRoot");
}

/** The advice about an image's user; `undefined`: the kubelet's words are about something else. */
export function imageUserText(message: string): string | undefined {
  if (!isUserRefused(message)) return undefined;
  const [, name] = /non-numeric user \((.+?)\)/.exec(message) ?? [];
  return name === undefined
    ? "The image runs as root, which this region does not allow. Add a line with another user to the Dockerfile, before CMD: " +
      '"USER 65532". The app\'s files must be readable for that user.'
    : `The image's user "${name}" is a name, and this region must know that it is not root: write its number into the ` +
      `Dockerfile in place of "USER ${name}", as in "USER 65532". "id -u ${name}" prints it in the image.`;
}
