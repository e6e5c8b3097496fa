#!/usr/bin/env bash
# certificates.sh: creates the keys and certificates of an installation as Secrets, on the cluster of $KUBECONFIG.
# Existing Secrets are kept; to renew one, delete it and deploy again. Callers of the gateway need ca.crt of the Secret
# fastpath-gateway-tls.
#   GATEWAY_NAMES=fsb.example.com,203.0.113.7   names and addresses that callers outside the cluster use
set -euo pipefail
namespace=fast-sandbox-system
service=fastpath-gateway
names=localhost,127.0.0.1,$service,$service.$namespace,$service.$namespace.svc,$service.$namespace.svc.cluster.local${GATEWAY_NAMES:+,$GATEWAY_NAMES}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
umask 077

has() { kubectl -n $namespace get secret "$1" >/dev/null 2>&1; }
key() { openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$work/$1.key" 2>/dev/null; }

# authority NAME: makes $work/NAME.{crt,key}
authority() {
  key "$1"
  openssl req -x509 -new -key "$work/$1.key" -subj "/CN=$1" -days 3650 -out "$work/$1.crt" \
    -addext 'basicConstraints=critical,CA:TRUE' -addext 'keyUsage=critical,keyCertSign,cRLSign' 2>/dev/null
}

# leaf NAME ISSUER DAYS EXTENSION...: makes $work/NAME.{crt,key}, signed by $work/ISSUER
leaf() {
  local name=$1 issuer=$2 days=$3
  shift 3
  key "$name"
  openssl req -new -key "$work/$name.key" -subj "/CN=$name" -out "$work/$name.csr" 2>/dev/null
  openssl x509 -req -in "$work/$name.csr" -CA "$work/$issuer.crt" -CAkey "$work/$issuer.key" -CAcreateserial -days "$days" \
    -extfile <(printf '%s\n' 'basicConstraints=CA:FALSE' 'keyUsage=critical,digitalSignature' "$@") -out "$work/$name.crt" 2>/dev/null
}

alternative_names() {
  local name result=
  for name in ${names//,/ }; do
    if [[ $name =~ ^[0-9.]+$|: ]]; then result+=,IP:$name; else result+=,DNS:$name; fi
  done
  echo "subjectAltName=${result#,}"
}

if ! has $service-tls; then
  authority fast-sandbox-ca
  leaf $service fast-sandbox-ca 825 'extendedKeyUsage=serverAuth' "$(alternative_names)"
  kubectl -n $namespace create secret generic $service-tls --from-file="tls.crt=$work/$service.crt" \
    --from-file="tls.key=$work/$service.key" --from-file="ca.crt=$work/fast-sandbox-ca.crt"
fi

if ! has fast-sandbox-agent-ca; then
  authority fast-sandbox-agent-ca
  kubectl -n $namespace create secret tls fast-sandbox-agent-ca --cert="$work/fast-sandbox-agent-ca.crt" \
    --key="$work/fast-sandbox-agent-ca.key"
  # certificates signed by another CA are useless now
  kubectl -n $namespace delete secret --ignore-not-found fastpath-gateway-agent-client sandbox-controller-agent-client
fi
for caller in fastpath-gateway sandbox-controller; do
  has $caller-agent-client && continue
  for part in crt key; do
    kubectl -n $namespace get secret fast-sandbox-agent-ca -o "jsonpath={.data.tls\.$part}" | base64 -d >"$work/fast-sandbox-agent-ca.$part"
  done
  leaf $caller fast-sandbox-agent-ca 365 'extendedKeyUsage=clientAuth'
  kubectl -n $namespace create secret generic $caller-agent-client --from-file="tls.crt=$work/$caller.crt" \
    --from-file="tls.key=$work/$caller.key" --from-file="ca.crt=$work/fast-sandbox-agent-ca.crt"
done
