import type { Group } from "../pkg/cli/mod.ts";

const ENVIRONMENTS: Group = {
  summary: "List, create, set and delete environments",
  commands: {
    list: { summary: "List the environments of a project", load: () => import("./environments/list.ts") },
    create: { summary: "Create an environment", load: () => import("./environments/create.ts") },
    set: {
      summary: "Set how an environment's apps are run, and when they end",
      load: () => import("./environments/set.ts"),
    },
    delete: { summary: "Delete an environment", load: () => import("./environments/delete.ts") },
  },
};

const VARIABLES: Group = {
  summary: "List, set and remove environment variables",
  commands: {
    list: { summary: "List the names of variables", load: () => import("./variables/list.ts") },
    set: { summary: "Set variables", load: () => import("./variables/set.ts") },
    remove: { summary: "Remove variables", load: () => import("./variables/remove.ts") },
  },
};

const KEYS: Group = {
  summary: "List, create and revoke root keys",
  commands: {
    list: { summary: "List the root keys of a workspace", load: () => import("./keys/list.ts") },
    create: { summary: "Create a root key", load: () => import("./keys/create.ts") },
    revoke: { summary: "Revoke a root key", load: () => import("./keys/revoke.ts") },
  },
};

const SESSIONS: Group = {
  summary: "List and revoke sessions of browsers",
  commands: {
    list: { summary: "List the sessions that work", load: () => import("./sessions/list.ts") },
    revoke: { summary: "Revoke a session", load: () => import("./sessions/revoke.ts") },
  },
};

const REGISTRIES: Group = {
  summary: "List, add and remove registries of private base images",
  commands: {
    list: { summary: "List the registries of a workspace", load: () => import("./registries/list.ts") },
    add: { summary: "Add the credentials for a registry", load: () => import("./registries/add.ts") },
    remove: {
      summary: "Remove the credentials for a registry",
      load: () => import("./registries/remove.ts"),
    },
  },
};

const DOMAINS: Group = {
  summary: "Bring host names of your own",
  commands: {
    list: { summary: "List the domains of a project", load: () => import("./domains/list.ts") },
    add: { summary: "Add a domain, and show the records to set", load: () => import("./domains/add.ts") },
    verify: { summary: "Look at a domain's records now", load: () => import("./domains/verify.ts") },
    retry: { summary: "Look for a domain's records again", load: () => import("./domains/retry.ts") },
    set: { summary: "Redirect a domain, or let it serve", load: () => import("./domains/set.ts") },
    remove: { summary: "Remove a domain", load: () => import("./domains/remove.ts") },
  },
};

const CRONS: Group = {
  summary: "Pause and resume commands that run by the clock",
  commands: {
    pause: { summary: "Pause a cron", load: () => import("./crons/pause.ts") },
    resume: { summary: "Resume a cron", load: () => import("./crons/resume.ts") },
  },
};

const CONTEXT: Group = {
  summary: "Show which files a build is given",
  commands: {
    explain: {
      summary: "Show the files, or why a path is one of them",
      load: () => import("./context/explain.ts"),
    },
  },
};

const CONFIG: Group = {
  summary: "Show settings with their places, and the schema of unkey.json",
  commands: {
    show: {
      summary: "Show every setting of a deploy from here, and where its value comes from",
      load: async () => {
        const [{ showCommand }, { command }] = await Promise.all([
          import("./config/show.ts"),
          import("./deploy/deploy.ts"),
        ]);
        return { command: showCommand(command, ROOT) };
      },
    },
    schema: {
      summary: "Print the JSON schema of unkey.json",
      load: async () => {
        const [{ schemaCommand }, { command }] = await Promise.all([
          import("./config/schema.ts"),
          import("./deploy/deploy.ts"),
        ]);
        return { command: schemaCommand(command) };
      },
    },
  },
};

const ADMIN: Group = {
  summary: "Set up workspaces, logins and regions, as the operator",
  commands: {
    workspaces: {
      summary: "List and create workspaces",
      commands: {
        list: { summary: "List the workspaces", load: () => import("./admin/list_workspaces.ts") },
        create: {
          summary: "Create a workspace and its first root key",
          load: () => import("./admin/create_workspace.ts"),
        },
      },
    },
    "login-codes": {
      summary: "Create one-time codes for a login from another machine",
      commands: {
        create: { summary: "Create a code", load: () => import("./admin/create_login_code.ts") },
      },
    },
    limits: {
      summary: "List and set the limits of a workspace",
      commands: {
        list: { summary: "List the limits and their use", load: () => import("./admin/list_limits.ts") },
        set: { summary: "Set a limit", load: () => import("./admin/set_limit.ts") },
      },
    },
    "region-tokens": {
      summary: "List, create and revoke what agents and edges log in with",
      commands: {
        list: { summary: "List the tokens", load: () => import("./admin/list_region_tokens.ts") },
        create: { summary: "Create a token", load: () => import("./admin/create_region_token.ts") },
        revoke: { summary: "Revoke a token", load: () => import("./admin/revoke_region_token.ts") },
      },
    },
  },
};

/** The command tree. Leaves load when they are called: `unkey --help` pays for none of them. */
export const ROOT: Group = {
  summary: "Deploys a folder with a Dockerfile and gives you a URL that serves it.",
  commands: {
    init: { summary: "Write unkey.json for a folder", load: () => import("./init/init.ts") },
    deploy: { summary: "Deploy a folder or an image", load: () => import("./deploy/deploy.ts") },
    attach: { summary: "Follow a deployment to its end", load: () => import("./attach/attach.ts") },
    login: { summary: "Log in with a root key or a one-time code", load: () => import("./login/login.ts") },
    status: { summary: "Show the regions, or one deployment", load: () => import("./status/status.ts") },
    logs: { summary: "Print what build and app printed", load: () => import("./logs/logs.ts") },
    run: { summary: "Run a command once in a deployment", load: () => import("./run/run.ts") },
    trace: { summary: "Show where the time of a deploy went", load: () => import("./trace/trace.ts") },
    metrics: { summary: "Show the requests of a deployment", load: () => import("./metrics/metrics.ts") },
    rollback: { summary: "Go back to an earlier deployment", load: () => import("./rollback/rollback.ts") },
    promote: { summary: "Make a deployment the live one", load: () => import("./promote/promote.ts") },
    cancel: { summary: "Cancel a deployment or a run", load: () => import("./cancel/cancel.ts") },
    stop: { summary: "Stop a deployment that serves nothing", load: () => import("./stop/stop.ts") },
    start: { summary: "Start a stopped deployment", load: () => import("./start/start.ts") },
    list: { summary: "List deployments, runs, crons or projects", load: () => import("./list/list.ts") },
    open: { summary: "Open the live deployment in a browser", load: () => import("./open/open.ts") },
    dashboard: { summary: "Open the dashboard in a browser", load: () => import("./dashboard/dashboard.ts") },
    protect: { summary: "Ask visitors for a password", load: () => import("./protect/protect.ts") },
    share: { summary: "Make a link to what is protected", load: () => import("./share/share.ts") },
    redeploy: { summary: "Deploy again what runs", load: () => import("./redeploy/redeploy.ts") },
    plan: { summary: "Show what unkey.json would change", load: () => import("./plan/plan.ts") },
    apply: { summary: "Give an environment what unkey.json wants", load: () => import("./apply/apply.ts") },
    scale: { summary: "Set memory, CPU and replicas", load: () => import("./scale/scale.ts") },
    environments: ENVIRONMENTS,
    env: { ...ENVIRONMENTS, hidden: true },
    variables: VARIABLES,
    vars: { ...VARIABLES, hidden: true },
    domains: DOMAINS,
    crons: CRONS,
    context: CONTEXT,
    registries: REGISTRIES,
    keys: KEYS,
    sessions: SESSIONS,
    config: CONFIG,
    completions: {
      summary: "Print the completion script of a shell",
      load: async () => {
        const { completionsCommand } = await import("./completions/completions.ts");
        return { command: completionsCommand(ROOT) };
      },
    },
    openapi: {
      summary: "Compare the APIs of deployments",
      commands: {
        diff: { summary: "Show what changed for clients", load: () => import("./openapi/diff.ts") },
      },
    },
    limits: { summary: "Show the limits of the workspace", load: () => import("./limits/limits.ts") },
    audit: { summary: "Show who did what", load: () => import("./audit/audit.ts") },
    up: { summary: "Run the whole platform on this machine", load: () => import("./up/up.ts") },
    preflight: {
      summary: "Ask everything that a part needs, before it starts",
      commands: {
        up: {
          summary: "Ask for the whole platform on this machine",
          load: () => import("./up/preflight.ts"),
        },
        api: { summary: "Ask for ctrl api", load: () => import("./ctrl/preflight_api.ts") },
        worker: { summary: "Ask for ctrl worker", load: () => import("./ctrl/preflight_worker.ts") },
      },
    },
    admin: ADMIN,
    ctrl: {
      summary: "Run the control plane",
      commands: {
        api: { summary: "Serve RPC and REST", load: () => import("./ctrl/api.ts") },
        worker: { summary: "Run the workflows", load: () => import("./ctrl/worker.ts") },
        "rotate-keys": {
          summary: "Put the first master key to use everywhere",
          load: () => import("./ctrl/rotate_keys.ts"),
        },
        migrate: { summary: "Bring the database up to date", load: () => import("./ctrl/migrate.ts") },
        backup: { summary: "Write the database into a folder", load: () => import("./ctrl/backup.ts") },
        restore: { summary: "Fill an empty database from a backup", load: () => import("./ctrl/restore.ts") },
      },
    },
    krane: { summary: "Run the agent of a region", load: () => import("./krane/krane.ts") },
    frontline: { summary: "Run an edge", load: () => import("./frontline/frontline.ts") },
    sentinel: {
      summary: "Run the edge of one environment",
      load: () => import("./sentinel/sentinel.ts"),
    },
    healthcheck: {
      summary: "Ask a URL whether it answers 200",
      load: () => import("./healthcheck/healthcheck.ts"),
    },
    version: { summary: "Print the version", load: () => import("./version/version.ts") },
    upgrade: {
      summary: "Replace this program by a newer release",
      load: () => import("./upgrade/upgrade.ts"),
    },
  },
};
