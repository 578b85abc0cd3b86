#!/bin/sh
# Prints the Secrets of the platform, with values made now. Needs openssl. Store its output as you store other secrets, or:
#
#   DATABASE_URL=mysql://user:password@host:3306/unkey \
#   S3_URL=https://s3.example.com S3_BUCKET=unkey S3_ACCESS_KEY_ID=... S3_ACCESS_KEY_SECRET=... \
#     dev/k8s/secrets.sh | kubectl -n unkey create -f -
#
# REGISTRY_USERNAME and REGISTRY_PASSWORD add the Secret "registry". `create`, not `apply`: what is there stays, and with
# another master key no stored secret could be read again.
set -eu

for name in DATABASE_URL S3_URL S3_BUCKET S3_ACCESS_KEY_ID S3_ACCESS_KEY_SECRET; do
  eval "value=\${$name:-}"
  [ -n "$value" ] || { echo "secrets: set $name" >&2; exit 1; }
done
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 1' INT TERM
cd "$work"

encoded() { printf '%s' "$1" | openssl base64 -A; }
file() { openssl base64 -A -in "$1"; }

# The digits of base 58 of the bytes in a file, by long division.
base58() {
  od -An -v -tu1 "$1" | tr -s ' \n' ' ' | awk '{
    digits = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
    for (i = 1; i <= NF; i++) {
      carry = $i
      for (j = 1; j <= count; j++) { carry += at[j] * 256; at[j] = carry % 58; carry = int(carry / 58) }
      while (carry > 0) { at[++count] = carry % 58; carry = int(carry / 58) }
    }
    for (i = 1; i <= NF && $i == 0; i++) text = text "1"
    for (j = count; j > 0; j--) text = text substr(digits, at[j] + 1, 1)
    print text
  }'
}

# Restate signs what it sends to workers; these know it by the public key.
openssl genpkey -algorithm ed25519 -out identity.pem
openssl pkey -in identity.pem -pubout -outform DER | tail -c 32 >identity.raw

# An authority for builder and worker alone: its client certificates give the right to build for every workspace.
certificate() {
  openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout "$1.key" -out "$1.csr" -subj "/CN=$2" 2>/dev/null
  printf 'subjectAltName=DNS:%s\nextendedKeyUsage=%s\n' "$2" "$3" >"$1.ext"
  openssl x509 -req -in "$1.csr" -CA authority.pem -CAkey authority.key -CAcreateserial -days 3650 -out "$1.pem" \
    -extfile "$1.ext" 2>/dev/null
}
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout authority.key -out authority.pem \
  -days 3650 -subj "/CN=unkey builds" 2>/dev/null
certificate daemon "buildkitd.${NAMESPACE:-unkey}.svc" serverAuth
certificate client ctrl-worker clientAuth

secret() {
  printf -- '---\napiVersion: v1\nkind: Secret\nmetadata:\n  name: %s\ndata:\n' "$1"
}
secret control-plane
cat <<YAML
  database-url: $(encoded "$DATABASE_URL")
  auth-token: $(encoded "$(openssl rand -hex 32)")
  vault-master-keys: $(encoded "$(openssl rand -base64 32)")
  s3-url: $(encoded "$S3_URL")
  s3-bucket: $(encoded "$S3_BUCKET")
  s3-access-key-id: $(encoded "$S3_ACCESS_KEY_ID")
  s3-access-key-secret: $(encoded "$S3_ACCESS_KEY_SECRET")
YAML
secret restate-identity
cat <<YAML
  private-key: $(file identity.pem)
  public-key: $(encoded "publickeyv1_$(base58 identity.raw)")
YAML
secret buildkitd-tls
cat <<YAML
  ca.pem: $(file authority.pem)
  cert.pem: $(file daemon.pem)
  key.pem: $(file daemon.key)
YAML
secret buildkit-client
cat <<YAML
  ca.pem: $(file authority.pem)
  cert.pem: $(file client.pem)
  key.pem: $(file client.key)
YAML
if [ -n "${REGISTRY_USERNAME:-}" ]; then
  secret registry
  cat <<YAML
  username: $(encoded "$REGISTRY_USERNAME")
  password: $(encoded "${REGISTRY_PASSWORD:-}")
YAML
fi
