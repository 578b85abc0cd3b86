/** PEM files: a certificate with its key, and the authority to trust for it. */
export interface CertificateFiles {
  readonly certificate: string;
  readonly privateKey: string;
  readonly authority: string;
}

/** Makes an authority in `folder`, and a certificate of it for `names`, such as `DNS:localhost`. */
export async function makeCertificate(folder: string, names: readonly string[]): Promise<CertificateFiles> {
  await Deno.mkdir(folder, { recursive: true });
  const path = (name: string): string => `${folder}/${name}`;
  const curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
  await openssl([
    ...["req", "-x509", ...curve, "-days", "3650", "-subj", "/CN=unkey testbed"],
    ...["-keyout", path("authority.key"), "-out", path("authority.pem")],
  ]);
  await openssl([
    ...["req", ...curve, "-subj", "/CN=localhost", "-keyout", path("key.pem"), "-out", path("request.pem")],
  ]);
  await Deno.writeTextFile(path("names"), `subjectAltName=${names.join(",")}\n`);
  await openssl([
    ...["x509", "-req", "-in", path("request.pem"), "-days", "3650", "-extfile", path("names")],
    ...["-CA", path("authority.pem"), "-CAkey", path("authority.key"), "-CAcreateserial"],
    ...["-out", path("cert.pem")],
  ]);
  return { certificate: path("cert.pem"), privateKey: path("key.pem"), authority: path("authority.pem") };
}

async function openssl(args: readonly string[]): Promise<void> {
  const { success, stderr } = await new Deno.Command("openssl", { args: [...args], stdin: "null" }).output();
  if (!success) throw new Error(`openssl ${args.join(" ")}: ${new TextDecoder().decode(stderr).trim()}`);
}
