import { packTar } from "modern-tar";
import type { Engine } from "../../pkg/docker/mod.ts";
import { runCommand } from "../../pkg/testkit/commands.ts";
import { importImage } from "../../pkg/testkit/images.ts";

/** The base images of the Dockerfiles, all with the same files, and the instructions that make each of them. */
const BASES: Readonly<Record<string, readonly string[]>> = {
  "bed/node:22": ["ENV NODE_VERSION=22.0.0", 'CMD ["node"]'],
  "bed/node:22-slim": ["ENV NODE_VERSION=22.0.0", 'ENTRYPOINT ["docker-entrypoint.sh"]', 'CMD ["node"]'],
  "bed/node:onbuild": [
    "WORKDIR /usr/src/app",
    "ONBUILD ARG NODE_ENV=production",
    "ONBUILD ENV NODE_ENV=$NODE_ENV",
    "ONBUILD COPY package.json /usr/src/app/",
    "ONBUILD RUN npm install",
    "ONBUILD COPY . /usr/src/app",
    'CMD ["npm", "start"]',
  ],
  "bed/python:3.12": ["ENV PYTHON_VERSION=3.12.0", 'CMD ["python3"]'],
  "bed/python:3.12-slim": ["ENV PYTHON_VERSION=3.12.0", 'CMD ["python3"]'],
  "bed/golang:1.24": ["ENV GOPATH=/go GOTOOLCHAIN=local", "WORKDIR /go"],
  "bed/rust:1": ["ENV RUSTUP_HOME=/usr/local/rustup CARGO_HOME=/usr/local/cargo"],
  "bed/debian:bookworm-slim": ['CMD ["bash"]'],
  "bed/alpine:3": ['CMD ["/bin/sh"]'],
  "bed/alpine:health": [
    "HEALTHCHECK --interval=10s CMD true",
    'ENTRYPOINT ["sh"]',
    'CMD ["-c", "true"]',
    "USER nobody",
  ],
  "bed/maven:3-eclipse-temurin-21": ["ENV JAVA_HOME=/opt/java/openjdk", 'CMD ["mvn"]'],
  "bed/eclipse-temurin:21-jre": ["ENV JAVA_HOME=/opt/java/openjdk", 'CMD ["jshell"]'],
  "bed/gradle:8": ["ENV GRADLE_HOME=/opt/gradle", 'CMD ["gradle"]'],
  "bed/ruby:3.3.6-slim": ["ENV LANG=C.UTF-8", 'CMD ["irb"]'],
  "bed/php:8.3-apache": [
    "EXPOSE 80",
    "WORKDIR /var/www/html",
    'CMD ["apache2-foreground"]',
  ],
  "bed/php:8.3-fpm": ["EXPOSE 9000", "WORKDIR /var/www/html", 'CMD ["php-fpm"]'],
  "bed/composer:2": ['ENTRYPOINT ["/docker-entrypoint.sh"]', 'CMD ["composer"]'],
  "bed/nginx:1": [
    "EXPOSE 80",
    "LABEL maintainer=nginx",
    'CMD ["nginx", "-g", "daemon off;"]',
  ],
  "bed/busybox:1": ['CMD ["sh"]'],
  "bed/distroless:nonroot": [
    "USER 65532",
    "WORKDIR /home/nonroot",
    "ENV SSL_CERT_FILE=/etc/ssl/certs/ca.crt",
  ],
};

const TOOLS = [
  "npm",
  "pnpm",
  "yarn",
  "pip",
  "poetry",
  "python",
  "go",
  "cargo",
  "mvn",
  "gradle",
  "bundle",
  "composer",
  "apt-get",
  "apk",
  "addgroup",
  "adduser",
];
const PASSWD = [
  "root:x:0:0:root:/root:/bin/sh",
  "www-data:x:33:33:www-data:/var/www:/bin/false",
  "node:x:1000:1000::/home/node:/bin/sh",
  "gradle:x:1001:1001::/home/gradle:/bin/sh",
  "nobody:x:65534:65534:nobody:/:/bin/false",
];
const CHANGED = new Date("2024-02-03T04:05:06Z");
const IMPORT_MS = 60_000;

/** Imports all base images. They are made of this machine's `/bin/busybox` (Debian package busybox-static). */
export async function importBaseImages(engine: Engine): Promise<void> {
  const tar = await rootFileSystem();
  for (const [reference, changes] of Object.entries(BASES)) {
    const image = { tar, reference, changes: ["ENV PATH=/usr/local/bin:/usr/bin:/bin", ...changes] };
    await importImage(engine, image, AbortSignal.timeout(IMPORT_MS));
  }
}

async function rootFileSystem(): Promise<Uint8Array> {
  const applets = (await runCommand("/bin/busybox", "--list")).trim().split("\n");
  const folders = [
    "bin",
    "etc",
    "root",
    "tmp",
    "usr",
    "usr/bin",
    "usr/local",
    "usr/local/bin",
    "var",
    "var/log",
  ];
  const groups = PASSWD.map((line) => line.split(":")).map(([name, , , id]) => `${name}:x:${id}:`);
  return await packTar([
    ...folders.map((name) => entry("directory", `${name}/`, name === "tmp" ? 0o1777 : 0o755)),
    file("etc/passwd", PASSWD.join("\n") + "\n"),
    file("etc/group", groups.join("\n") + "\n"),
    file("bin/busybox", await Deno.readFile("/bin/busybox"), 0o755),
    file("usr/local/bin/bed-tool", await Deno.readFile(new URL("bed_tool.sh", import.meta.url)), 0o755),
    ...applets.filter((name) => name !== "busybox").map((name) => link(`bin/${name}`, "busybox")),
    ...TOOLS.map((name) => link(`usr/local/bin/${name}`, "bed-tool")),
  ]);
}

function entry(type: "directory" | "file" | "symlink", name: string, mode: number) {
  return { header: { type, name, mode, size: 0, mtime: CHANGED, uid: 0, gid: 0 } };
}

function file(name: string, content: string | Uint8Array, mode = 0o644) {
  const body = typeof content === "string" ? new TextEncoder().encode(content) : content;
  const { header } = entry("file", name, mode);
  return { header: { ...header, size: body.length }, body };
}

function link(name: string, target: string) {
  const { header } = entry("symlink", name, 0o777);
  return { header: { ...header, linkname: target } };
}
