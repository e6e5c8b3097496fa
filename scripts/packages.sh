#!/usr/bin/env bash
# packages.sh [MORE...]: installs missing Debian packages. kubectl is installed only if the machine has none.
set -euo pipefail
wanted=(containerd runc crun iproute2 iptables containernetworking-plugins busybox-static umoci skopeo golang-github-containers-common gcc libc6-dev python3-minimal libpython3-stdlib "$@")
command -v kubectl >/dev/null || wanted+=(kubernetes-client)
missing=()
for name in "${wanted[@]}"; do
  dpkg-query -Wf '${db:Status-Status}' "$name" 2>/dev/null | grep -qx installed || missing+=("$name")
done
[ ${#missing[@]} = 0 ] && exit 0
step=$(dirname "$0")/step.sh
"$step" 'reads the package lists' apt-get update -q
export DEBIAN_FRONTEND=noninteractive
"$step" "installs ${missing[*]}" apt-get install -qy --no-install-recommends "${missing[@]}"
