/** The unit files of the service, for systemd 247 and newer. */
import {
  DATA_FOLDER,
  EDGE_UNIT,
  PLATFORM_UNIT,
  PROGRAM,
  SECOND_EDGE_UNIT,
  SETTINGS_FILE,
  SOCKET_UNIT,
} from "../../shared/service_paths.ts";

export interface UnitOptions {
  readonly httpPort: number;
  readonly httpsPort: number;
  /** The group that may use the Docker Engine's socket; `undefined` for an engine that is reached by TCP. */
  readonly dockerGroup: string | undefined;
}

/** More than the edge's drain, and than the stop of all parts of the platform. */
const STOP_SECONDS = 90;

/** Neither process needs a privilege: systemd opens the ports, and a group opens Docker's socket. */
const CONFINED = `DynamicUser=yes
UMask=0077
CapabilityBoundingSet=
AmbientCapabilities=
NoNewPrivileges=yes
ProtectSystem=strict
ProtectHome=yes
PrivateTmp=yes
PrivateDevices=yes
ProtectClock=yes
ProtectControlGroups=yes
ProtectHostname=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
LockPersonality=yes
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK
SystemCallArchitectures=native
SystemCallFilter=@system-service
SystemCallErrorNumber=EPERM
# MemoryDenyWriteExecute= is not here: JavaScript is compiled while it runs.
`;

const LASTING = `Type=notify
# The message comes from systemd-notify, a child.
NotifyAccess=all
Restart=always
RestartSec=1
KillMode=mixed
LimitNOFILE=65536
StandardOutput=journal
StandardError=journal
`;

/** Beside Docker's service, its builds and its containers, which have the default of 100. */
const WEIGHTS = { edge: 1_000, platform: 300 };

function weighted(weight: number): string {
  return `# Apps that take all of the machine leave it its share.
CPUWeight=${weight}
IOWeight=${weight}
`;
}

/** The unit files by name. */
export function unitFiles(options: UnitOptions): Readonly<Record<string, string>> {
  return {
    [PLATFORM_UNIT]: platformUnit(options),
    [SOCKET_UNIT]: socketUnit(options),
    [EDGE_UNIT]: `${edgeUnit("the edge of unkey")}
[Install]
WantedBy=multi-user.target
Also=${SOCKET_UNIT}
`,
    [SECOND_EDGE_UNIT]: edgeUnit("the edge of unkey, while the other one is restarted"),
  };
}

function platformUnit({ dockerGroup }: UnitOptions): string {
  return `[Unit]
Description=unkey: control plane and agent
Wants=network-online.target docker.service
After=network-online.target docker.service
StartLimitIntervalSec=0

[Service]
ExecStart=${PROGRAM} up
EnvironmentFile=${SETTINGS_FILE}
Environment=UNKEY_DATA_DIR=${DATA_FOLDER} UNKEY_UP_EDGE_APART=true UNKEY_UP_LOG_TO=stderr NO_COLOR=1
Environment=HOME=${DATA_FOLDER} XDG_CONFIG_HOME=${DATA_FOLDER}/config XDG_CACHE_HOME=/var/cache
StateDirectory=unkey
StateDirectoryMode=0700
CacheDirectory=unkey
${dockerGroup === undefined ? "" : `SupplementaryGroups=${dockerGroup}\n`}${LASTING}${
    weighted(WEIGHTS.platform)
  }# The first start may have to download Restate's server.
TimeoutStartSec=900
TimeoutStopSec=${STOP_SECONDS}
${CONFINED}
[Install]
WantedBy=multi-user.target
`;
}

function socketUnit({ httpPort, httpsPort }: UnitOptions): string {
  return `[Unit]
Description=Ports of unkey's edge
# Connections wait here while the edge is restarted.

[Socket]
ListenStream=${httpPort}
ListenStream=${httpsPort}
Backlog=4096
KeepAlive=yes

[Install]
WantedBy=sockets.target
`;
}

function edgeUnit(description: string): string {
  return `[Unit]
Description=unkey: ${description}
Requires=${SOCKET_UNIT}
After=${SOCKET_UNIT} network-online.target ${PLATFORM_UNIT}
StartLimitIntervalSec=0

[Service]
ExecStart=${PROGRAM} frontline
Sockets=${SOCKET_UNIT}
# The platform writes it.
EnvironmentFile=${DATA_FOLDER}/edge.env
Environment=NO_COLOR=1
${LASTING}${weighted(WEIGHTS.edge)}TimeoutStartSec=300
TimeoutStopSec=${STOP_SECONDS}
${CONFINED}`;
}
