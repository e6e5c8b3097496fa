#!/usr/bin/env bash
# kubernetes.sh: the programs of a real Kubernetes (etcd, kube-apiserver, kube-controller-manager, kube-scheduler, kubelet,
# kube-proxy), built once. Prints their folder as the last line. They are kept outside of the checkout, in
# $FSB_KUBERNETES_CACHE (/var/cache/fast-sandbox/kubernetes).
# With Go 1.25 or later: version 1.35.0 from the Go module proxy (kubernetes-current.sh). Without it, or with
# KUBERNETES=1.20: version 1.20 from Debian 12's source package (kubernetes-debian.sh).
# Exit code 77: no Kubernetes can be built on this machine; stderr says why.
set -euo pipefail
scripts=$(realpath "$(dirname "$0")")
cache=$(realpath -m "${FSB_KUBERNETES_CACHE:-/var/cache/fast-sandbox/kubernetes}")
wanted=${KUBERNETES:-1.35}
case $wanted in 1.35 | 1.20) ;; *) echo "KUBERNETES=$wanted: expected 1.35 or 1.20" >&2; exit 2 ;; esac

# The folder of a Go compiler that is new enough, of PATH or where go.dev's archive is unpacked.
find_go() {
  local candidate version
  for candidate in "$(command -v go || true)" /usr/local/go/bin/go; do
    [ -x "$candidate" ] || continue
    version=$(GOTOOLCHAIN=local "$candidate" env GOVERSION) || continue
    [[ $version =~ ^go1\.([0-9]+) ]] && ((BASH_REMATCH[1] >= 25)) || continue
    dirname "$candidate"
    return
  done
  return 1
}

[ "$(id -u)" = 0 ] || { echo 'kubernetes.sh needs root: it installs packages' >&2; exit 1; }
mkdir -p "$cache"
exec 9>"$cache/lock" # two checkouts build it once
flock 9
if [ "$wanted" = 1.35 ] && go=$(find_go); then
  code=0
  PATH=$go:$PATH "$scripts/kubernetes-current.sh" "$cache" || code=$?
  [ $code = 77 ] || exit $code
elif [ "$wanted" = 1.35 ]; then
  echo 'There is no Go 1.25 or later on this machine.' >&2
fi
[ "$wanted" = 1.20 ] || echo '
*** NOT A CURRENT KUBERNETES: what follows is tested against 1.20, from 2020 ***
' >&2
exec "$scripts/kubernetes-debian.sh" "$cache"
