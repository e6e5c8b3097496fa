#!/usr/bin/env bash
# quickstart.sh: from a fresh clone on Debian 12 with Node 20 to a running sandbox. Each step can be run again.
set -euo pipefail
cd "$(dirname "$0")/.."
[ "$(id -u)" = 0 ] || { echo "quickstart needs root: it runs containers and makes network namespaces" >&2; exit 1; }
began=$EPOCHREALTIME
title() { printf '\n== %s\n' "$1"; }
standalone() { node dist/apps/standalone/src/main.js "$@"; }

# a containerd that comes with the package installed below was not the machine's own before us
containerd=private
[ -S /run/containerd/containerd.sock ] && containerd=auto

title 'What is needed: Debian packages, npm packages, the build'
make -s packages
make -s build

title 'The stack: a Kubernetes API, a node, and the services'
standalone up --containerd "$containerd"
export KUBECONFIG=/var/lib/fast-sandbox/kubeconfig
socket=$(node -p 'require("/var/lib/fast-sandbox/choice.json").containerd.socket')

title 'A demo image: busybox'
if ctr -a "$socket" -n k8s.io images ls -q | grep -qx docker.io/library/busybox:latest; then
  echo 'the node has it already'
elif ! standalone pull busybox; then
  scripts/step.sh 'builds it from busybox-static' scripts/demo-image.sh .cache/busybox.tar
  scripts/step.sh 'imports it' ctr -a "$socket" -n k8s.io images import .cache/busybox.tar
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
  echo 'removes the one of last time'
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
# a gateway hears of an agent a moment after Kubernetes does
for ((tries = 1; ; tries++)); do
  [ "$tries" -lt 50 ] || { run; break; }
  run 2>/dev/null && break
  sleep 0.2
done

title 'What it writes, and what there is'
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
