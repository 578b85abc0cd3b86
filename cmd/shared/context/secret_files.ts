import { open } from "node:fs/promises";
import { join } from "node:path";
import type { Entry } from "../../../pkg/archive/mod.ts";

/** Files that usually hold secrets, by their path. */
interface SecretFiles {
  readonly path: RegExp;
  /** Paths that are no secret in spite of it. */
  readonly except?: RegExp;
  /** Holds only where the content matches. */
  readonly content?: RegExp;
  /** Holds only where the content does not match. */
  readonly notContent?: RegExp;
}

/** Nothing but certificates and public keys. */
const PUBLIC = /^(?![\s\S]*PRIVATE KEY)[\s\S]*-----BEGIN (TRUSTED )?(CERTIFICATE|PUBLIC KEY|X509 CRL)/;

const SECRET_FILES: readonly SecretFiles[] = [
  {
    path: /(^|\/)\.env([._-][^/]*)?$/i,
    except: /\.(example|sample|template|tmpl|dist|defaults?|schema|vault)$/i,
  },
  { path: /(^|\/)\.envrc$/ },
  { path: /(^|\/)id_(rsa|dsa|ecdsa|ed25519)[^/]*$/, except: /\.pub$/ },
  { path: /\.(pem|key)$/i, except: /\.pub\.(pem|key)$/i, notContent: PUBLIC },
  { path: /\.(kdbx?|p12|pfx|jks|keystore|ppk|agekey|asc\.key)$/i },
  { path: /(^|\/)\.npmrc$/, content: /(_auth|_authToken|_password)\s*=\s*["']?[^\s"'$]/ },
  { path: /(^|\/)\.yarnrc\.yml$/, content: /npmAuth(Token|Ident):\s*["']?[^\s"'$]/ },
  { path: /(^|\/)(\.pypirc|pip\.conf)$/, content: /password\s*[:=]\s*\S|:\/\/[^/\s:]+:[^/\s$]+@/ },
  { path: /(^|\/)(\.netrc|_netrc|\.git-credentials|\.pgpass|\.my\.cnf|\.vault-token|\.htpasswd)$/ },
  { path: /(^|\/)\.aws\/credentials$/ },
  { path: /(^|\/)(\.docker\/config\.json|\.dockercfg)$/, content: /"auth"\s*:\s*"[^"]/ },
  { path: /(^|\/)(\.kube\/config|kubeconfig|[^/]+\.kubeconfig)$/ },
  { path: /(^|\/)([^/]*service[-_]?account[^/]*|application_default_credentials)\.json$/i },
  { path: /(^|\/)secrets?\.(ya?ml|json|toml)$/i },
  { path: /\.tfstate(\.backup)?$/ },
];

/** One look at each path: a context may have some hundred thousand. */
const ANY = new RegExp(SECRET_FILES.map(({ path }) => path.source).join("|"), "i");
/** Packages bring keys of their tests along. */
const OF_PACKAGES = /(^|\/)(node_modules|vendor|site-packages)\//;
/** Files whose content is looked at. */
const READS_MAX = 50;
const READ_BYTES = 64 << 10;

/** The paths among the entries that look as if they held secrets. */
export async function findSecretFiles(root: string, entries: readonly Entry[]): Promise<readonly string[]> {
  const found: string[] = [];
  let reads = 0;
  for (const { path, kind, size } of entries) {
    const rule = kind === "file" && size > 0 && ANY.test(path) && !OF_PACKAGES.test(path)
      ? SECRET_FILES.find((each) => each.path.test(path) && each.except?.test(path) !== true)
      : undefined;
    if (rule === undefined) continue;
    const { content, notContent } = rule;
    if (content === undefined && notContent === undefined) found.push(path);
    else if (reads++ < READS_MAX) {
      const text = await readStart(join(root, path));
      if (content?.test(text) !== false && notContent?.test(text) !== true) found.push(path);
    }
  }
  return found;
}

async function readStart(path: string): Promise<string> {
  try {
    await using file = await open(path);
    const { buffer, bytesRead } = await file.read({ buffer: new Uint8Array(READ_BYTES) });
    return new TextDecoder().decode(buffer.subarray(0, bytesRead));
  } catch {
    return ""; // gone, or not readable: packing says so
  }
}
