/** Messages to the service manager that started this process, by systemd's protocol. */

/** Says that the service does its work (`Type=notify`). Without a manager that waits for it, nothing happens. */
export async function notifyReady(env: (name: string) => string | undefined): Promise<void> {
  if ((env("NOTIFY_SOCKET") ?? "") === "") return;
  // Its socket takes datagrams, which the runtime has no stable API for.
  const { success, stderr } = await new Deno.Command("systemd-notify", {
    args: ["--ready"],
    stdin: "null",
    stdout: "null",
    stderr: "piped",
  }).output();
  if (!success) throw new Error(`systemd-notify failed: ${new TextDecoder().decode(stderr).trim()}`);
}
