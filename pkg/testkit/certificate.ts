/** PEM files: a certificate with its key, and the authority to trust for it. */
export interface CertificateFiles {
  readonly certificate: string;
  readonly privateKey: string;
  readonly authority: string;
}

const DAYS = "3650";
const CURVE = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];

/** Makes an authority in `folder`, and a certificate of it for `names`, such as `DNS:localhost`. */
export async function makeCertificate(folder: string, names: readonly string[]): Promise<CertificateFiles> {
  await Deno.mkdir(folder, { recursive: true });
  await openssl([
    ...["req", "-x509", ...CURVE, "-days", DAYS, "-subj", "/CN=unkey testbed"],
    ...["-keyout", `${folder}/authority.key`, "-out", `${folder}/authority.pem`],
  ]);
  return await addCertificate(folder, names);
}

/**
 * Makes one more certificate of the authority in `folder`; `prefix` begins its files' names, and `subject` is its owner,
 * such as `/O=group/CN=user`.
 */
export async function addCertificate(
  folder: string,
  names: readonly string[],
  prefix = "",
  subject = "/CN=localhost",
): Promise<CertificateFiles> {
  const path = (name: string): string => `${folder}/${prefix}${name}`;
  const authority = `${folder}/authority.pem`;
  await openssl([
    ...["req", ...CURVE, "-subj", subject, "-keyout", path("key.pem"), "-out", path("request.pem")],
  ]);
  await Deno.writeTextFile(path("names"), `subjectAltName=${names.join(",")}\n`);
  await openssl([
    ...["x509", "-req", "-in", path("request.pem"), "-days", DAYS, "-extfile", path("names")],
    ...["-CA", authority, "-CAkey", `${folder}/authority.key`, "-CAcreateserial"],
    ...["-out", path("cert.pem")],
  ]);
  return { certificate: path("cert.pem"), privateKey: path("key.pem"), authority };
}

async function openssl(args: readonly string[]): Promise<void> {
  const { success, stderr } = await new Deno.Command("openssl", { args: [...args], stdin: "null" }).output();
  if (!success) throw new Error(`openssl ${args.join(" ")}: ${new TextDecoder().decode(stderr).trim()}`);
}
