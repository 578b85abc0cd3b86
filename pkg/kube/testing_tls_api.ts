/** A TLS server that stands in for a Kubernetes API, and the files of a kubeconfig for it. */
import { chmod } from "node:fs/promises";
import { createServer, type Server } from "node:https";
import type { AddressInfo, Socket } from "node:net";
import type { TLSSocket } from "node:tls";
import { addCertificate, type CertificateFiles, makeCertificate } from "../testkit/certificate.ts";

/** One request as the server saw it. */
export interface SeenRequest {
  readonly path: string;
  readonly authorization: string;
  /** Names and values in turn, as they came. */
  readonly rawHeaders: readonly string[];
  /** The common name of the client's certificate; empty without one. */
  readonly client: string;
}

/** Answers each request with a cluster's version. */
export class TlsApi implements AsyncDisposable {
  readonly folder: string;
  readonly files: CertificateFiles;
  readonly seen: SeenRequest[] = [];
  connections = 0;
  /** Of all answers. */
  status = 200;
  readonly #server: Server;
  readonly #open = new Set<Socket>();

  private constructor(folder: string, files: CertificateFiles) {
    this.folder = folder;
    this.files = files;
    const read = (path: string): string => Deno.readTextFileSync(path);
    const tls = { key: read(files.privateKey), cert: read(files.certificate), ca: read(files.authority) };
    this.#server = createServer(
      { ...tls, requestCert: true, rejectUnauthorized: false },
      (request, response) => {
        const { headers, rawHeaders, socket, url = "" } = request;
        const peer = (socket as TLSSocket).getPeerCertificate();
        const client = peer?.subject?.CN ?? "";
        this.seen.push({
          path: url,
          authorization: headers.authorization ?? "",
          rawHeaders,
          client: Array.isArray(client) ? client.join() : client,
        });
        response.writeHead(this.status, { "content-type": "application/json" });
        response.end(JSON.stringify({ gitVersion: "v1.36.0" }));
      },
    );
    this.#server.on("secureConnection", () => this.connections++);
    this.#server.on("connection", (socket: Socket) => {
      this.#open.add(socket);
      socket.on("close", () => this.#open.delete(socket));
    });
  }

  static async open(): Promise<TlsApi> {
    const folder = await Deno.makeTempDir({ prefix: "unkey-test-kube-" });
    const files = await makeCertificate(`${folder}/tls`, ["IP:127.0.0.1", "DNS:localhost"]);
    const api = new TlsApi(folder, files);
    await new Promise<void>((resolve) => api.#server.listen(0, "127.0.0.1", resolve));
    return api;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  get server(): string {
    return `https://127.0.0.1:${this.port}`;
  }

  /** A certificate of `user` that the server takes. */
  clientCertificate(user: string): Promise<CertificateFiles> {
    return addCertificate(`${this.folder}/tls`, [`DNS:${user}`], `${user}-`, `/CN=${user}`);
  }

  /** Writes a file of the test's folder, and returns its path. */
  async write(name: string, content: unknown): Promise<string> {
    const path = `${this.folder}/${name}`;
    await Deno.writeTextFile(path, typeof content === "string" ? content : JSON.stringify(content));
    return path;
  }

  /** Writes a kubeconfig of one context with `user` for this server. */
  kubeconfig(user: unknown, cluster: Readonly<Record<string, unknown>> = {}): Promise<string> {
    return this.write("kubeconfig", {
      "current-context": "c",
      contexts: [{ name: "c", context: { cluster: "k", user: "u" } }],
      clusters: [{
        name: "k",
        cluster: { server: this.server, "certificate-authority": "tls/authority.pem", ...cluster },
      }],
      users: [{ name: "u", user }],
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#open) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
    await Deno.remove(this.folder, { recursive: true });
  }
}

/** A command that prints what `credential` holds, and counts its calls. */
export class CredentialCommand {
  readonly #folder: string;

  private constructor(folder: string) {
    this.#folder = folder;
  }

  static async write(folder: string): Promise<CredentialCommand> {
    const command = new CredentialCommand(folder);
    await command.prints({});
    await Deno.writeTextFile(`${folder}/calls`, "");
    const script = `#!/bin/sh
cd "${folder}"
echo "$KUBERNETES_EXEC_INFO" >> calls
cat credential
[ ! -e fails ] || { cat fails >&2; exit 7; }
`;
    await Deno.writeTextFile(command.path, script);
    await chmod(command.path, 0o700);
    return command;
  }

  get path(): string {
    return `${this.#folder}/fetch-credentials`;
  }

  /** The user of a kubeconfig that runs it. */
  get user(): { readonly exec: Readonly<Record<string, unknown>> } {
    return { exec: { apiVersion: "client.authentication.k8s.io/v1", command: "./fetch-credentials" } };
  }

  /** Sets the output; `status` becomes an `ExecCredential`. */
  async prints(status: string | Readonly<Record<string, unknown>>): Promise<void> {
    const credential = { apiVersion: "client.authentication.k8s.io/v1", kind: "ExecCredential", status };
    const text = typeof status === "string" ? status : JSON.stringify(credential);
    await Deno.writeTextFile(`${this.#folder}/credential`, text);
  }

  /** Ends with an error and this text from now on; `undefined`: no longer. */
  async failsWith(text: string | undefined): Promise<void> {
    if (text === undefined) await Deno.remove(`${this.#folder}/fails`);
    else await Deno.writeTextFile(`${this.#folder}/fails`, text);
  }

  /** The value of `KUBERNETES_EXEC_INFO` in each call so far. */
  async calls(): Promise<string[]> {
    return (await Deno.readTextFile(`${this.#folder}/calls`)).split("\n").slice(0, -1);
  }
}
