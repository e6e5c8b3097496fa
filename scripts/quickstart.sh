#!/usr/bin/env bash
# quickstart.sh: from a fresh clone on Debian 12 with Node 20 to a running sandbox. Idempotent.
set -euo pipefail
cd "$(dirname "$0")/.."
[ "$(id -u)" = 0 ] || { echo "quickstart needs root: it runs containers and makes network namespaces" >&2; exit 1; }
began=$EPOCHREALTIME
title() { printf '\n== %s\n' "$1"; }
standalone() { node dist/apps/standalone/src/main.js "$@"; }

# a containerd that the packages below install is not the machine's own: then use a private one
containerd=private
[ -S /run/containerd/containerd.sock ] && containerd=auto

title 'Requirements: Debian packages, npm packages, the build'
make -s packages
make -s build

title 'The stack: a Kubernetes API, a node, and the services'
standalone up --containerd "$containerd"
export KUBECONFIG=/var/lib/fast-sandbox/kubeconfig
socket=$(node -p 'require("/var/lib/fast-sandbox/choice.json").containerd.socket')

title 'A demo image: busybox'
if ctr -a "$socket" -n k8s.io images ls -q | grep -qx docker.io/library/busybox:latest; then
  echo 'already on the node'
elif ! standalone pull busybox; then
  scripts/step.sh 'build it from busybox-static' scripts/demo-image.sh .cache/busybox.tar
  scripts/step.sh 'import it' ctr -a "$socket" -n k8s.io images import .cache/busybox.tar
fi

title 'A pool of agents: k8s/samples/pool.yaml'
kubectl apply -f k8s/samples/pool.yaml
ready() { kubectl get sandboxpool default-pool -o 'jsonpath={.status.readyPods}' | grep -q '^[1-9]'; }
for ((tries = 1; ; tries++)); do
  ready && break
  [ "$tries" -lt 300 ] || { echo 'no agent became ready; see kubectl describe pods' >&2; exit 1; }
  [ "$tries" = 25 ] || [ "$tries" = 100 ] && echo "waiting for the first agent ($((tries / 5)) s)"
  sleep 0.2
done
kubectl get sandboxpools,pods

title 'A sandbox, through the gRPC fast path'
if bin/fsb-ctl get quickstart >/dev/null 2>&1; then
  echo 'removing the sandbox of an earlier run'
  bin/fsb-ctl delete quickstart
  for ((tries = 1; tries < 150; tries++)); do
    bin/fsb-ctl get quickstart >/dev/null 2>&1 || break
    sleep 0.2
  done
fi
page='echo "hello from $(hostname)" >/tmp/index.html; httpd -p 8080 -h /tmp'
run() {
  bin/fsb-ctl run quickstart --image busybox --ports 8080 -- \
    /bin/sh -c "$page; i=0; while :; do echo \"line \$i from \$(hostname)\"; i=\$((i + 1)); sleep 1; done"
}
# the gateway learns of an agent shortly after Kubernetes reports it ready
for ((tries = 1; ; tries++)); do
  [ "$tries" -lt 50 ] || { run; break; }
  run 2>/dev/null && break
  sleep 0.2
done

title 'Its output, and the list of sandboxes'
sleep 1
bin/fsb-ctl logs quickstart
bin/fsb-ctl list

printf '\nDone in %s s. The stack stays up. Try next:\n' \
  "$(awk -v from="$began" -v to="$EPOCHREALTIME" 'BEGIN { printf "%.1f", to - from }')"
cat <<'TRY'
  bin/fsb-ctl logs -f quickstart                      follow what it writes
  curl http://$(bin/fsb-ctl get quickstart -o json | grep -o '[0-9.]*:8080')      ask the server in it
  export KUBECONFIG=$(make -s kubeconfig)             and then kubectl get sandboxes,sandboxpools,pods -o wide
  bin/fsb-ctl run other --image busybox -- /bin/sh -c 'echo hi; sleep 60'
  bin/fsb-ctl delete quickstart                       end it
  make status / make down / make up                   every process / end everything / bring it back
TRY
