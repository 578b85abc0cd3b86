import { untilReady } from "../daemon.ts";
import { bedFolder, type Starting } from "../folder.ts";
import { run } from "../part.ts";
import type { FindProgram } from "./control_plane.ts";
import { BRIDGE, NETWORK, PAUSE_IMAGE, Places, POD_CIDR } from "./settings.ts";

/** The capability to lower an `oom_score_adj` and to raise limits. */
const CAP_SYS_RESOURCE = 24n;

/** Starts containerd with everything it writes in the cluster's folder, so that it meets no other containerd. */
export async function startContainerd(starting: Starting, program: FindProgram): Promise<void> {
  const { containerdSocket } = new Places(starting.folder);
  const config = `${starting.folder}/containerd.toml`;
  await writeNetwork(`${starting.folder}/cni`);
  await Deno.writeTextFile(config, await settings(starting.folder, program));
  const daemon = await starting.launch({
    name: "containerd",
    command: program("containerd"),
    args: ["--config", config],
    // It finds its shim there.
    env: { PATH: `${folderOf(program("containerd"))}:${Deno.env.get("PATH") ?? ""}:/usr/sbin:/usr/bin` },
  });
  await untilReady(
    daemon,
    () =>
      run(program("ctr"), ["--address", containerdSocket, "--timeout", "2s", "version"]).then(
        () => true,
        () => false,
      ),
  );
}

async function settings(folder: string, program: FindProgram): Promise<string> {
  const { containerdSocket, containerdState, pluginSocket } = new Places(folder);
  return `version = 3
root = "${folder}/containerd"
state = "${containerdState}"

[grpc]
  address = "${containerdSocket}"
[ttrpc]
  address = "${containerdSocket}.ttrpc"

[plugins."io.containerd.nri.v1.nri"]
  socket_path = "${pluginSocket}"
  plugin_path = "${folder}/plugins"
  plugin_config_path = "${folder}/plugins"
[plugins."io.containerd.internal.v1.opt"]
  path = "${folder}/opt"

[plugins."io.containerd.cri.v1.images"]
  snapshotter = "overlayfs"
  [plugins."io.containerd.cri.v1.images".pinned_images]
    sandbox = "${PAUSE_IMAGE}"
  [plugins."io.containerd.cri.v1.images".registry]
    config_path = "${bedFolder()}/registry/hosts"

[plugins."io.containerd.cri.v1.runtime"]
  netns_mounts_under_state_dir = true
  [plugins."io.containerd.cri.v1.runtime".cni]
    bin_dirs = ["/usr/lib/cni"]
    conf_dir = "${folder}/cni"
    use_internal_loopback = true
  [plugins."io.containerd.cri.v1.runtime".containerd]
    default_runtime_name = "runc"
    [plugins."io.containerd.cri.v1.runtime".containerd.runtimes.runc]
      runtime_type = "io.containerd.runc.v2"
      [plugins."io.containerd.cri.v1.runtime".containerd.runtimes.runc.options]
        BinaryName = "${await runc(folder, program("runc"))}"
        Root = "${containerdState}/runc"
`;
}

/** Where the machine lacks CAP_SYS_RESOURCE, runc is asked for less: it cannot start a pod otherwise. */
async function runc(folder: string, program: string): Promise<string> {
  const status = await Deno.readTextFile("/proc/self/status");
  const capabilities = BigInt(`0x${/^CapEff:\s*([0-9a-f]+)$/m.exec(status)?.[1] ?? "0"}`);
  if ((capabilities >> CAP_SYS_RESOURCE) % 2n === 1n) return program;
  const wrapper = `${folder}/runc`;
  const lower = "if (.oomScoreAdj // 0) < 0 then .oomScoreAdj = 0 else . end | del(.rlimits)";
  await Deno.writeTextFile(
    wrapper,
    `#!/bin/sh
# Asks for no negative oom_score_adj and no limits, which this machine's root may not set.
edit() {
  if [ -f "$2" ] && jq -c "$1" "$2" >"$2.new"; then cat "$2.new" >"$2"; fi
  rm -f "$2.new"
}
previous=
for argument; do
  case $previous in
    --bundle | -b) edit '.process |= (${lower})' "$argument/config.json" ;;
    --process | -p) edit '${lower}' "$argument" ;;
  esac
  previous=$argument
done
exec ${program} "$@"
`,
    { mode: 0o755 },
  );
  return wrapper;
}

async function writeNetwork(folder: string): Promise<void> {
  await Deno.mkdir(folder, { recursive: true });
  const bridge = {
    type: "bridge",
    bridge: BRIDGE,
    isGateway: true,
    hairpinMode: true,
    ipam: {
      type: "host-local",
      ranges: [[{ subnet: POD_CIDR }]],
      routes: [{ dst: "0.0.0.0/0" }],
      dataDir: `${folder}/addresses`,
    },
  };
  await Deno.writeTextFile(
    `${folder}/10-bed.conflist`,
    JSON.stringify({ cniVersion: "1.0.0", name: NETWORK, plugins: [bridge] }, null, 2),
  );
}

function folderOf(file: string): string {
  return file.slice(0, file.lastIndexOf("/"));
}
