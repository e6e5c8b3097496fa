#!/usr/bin/env bash
# undeploy.sh: removes the product from the cluster of $KUBECONFIG, with all sandboxes and pools. Order: the gateway, so
# that no new sandboxes are made; sandboxes and pools, while their controllers still run; the services; the CRDs.
# Nothing stays in Terminating: a Sandbox that does not end within $TIMEOUT seconds (120) loses its finalizer.
set -euo pipefail
cd "$(dirname "$0")/.."
namespace=fast-sandbox-system
timeout=${TIMEOUT:-120}s
# seconds for the janitors: they remove a removed agent's standby containers once these are older than the orphan
# timeout
last_sweep=15
has() { kubectl get crd "$1.sandbox.fast.io" >/dev/null 2>&1; }
names() { kubectl get "$@" -o 'jsonpath={range .items[*]}{.metadata.namespace} {.metadata.name}{"\n"}{end}'; }

if kubectl -n $namespace get deployment fastpath-gateway >/dev/null 2>&1; then
  kubectl -n $namespace scale deployment fastpath-gateway --replicas=0
  kubectl -n $namespace wait --for=delete pod -l app.kubernetes.io/name=fastpath-gateway --timeout="$timeout" || true # no such Pod
fi
if has sandboxes && ! kubectl delete sandboxes --all -A --timeout="$timeout"; then
  echo 'undeploy.sh: these sandboxes do not end and lose their finalizer; the janitors remove their containers:' >&2
  while read -r of name; do
    echo "  $of/$name" >&2
    kubectl -n "$of" patch sandbox "$name" --type=merge -p '{"metadata":{"finalizers":null}}' || true # already gone
  done < <(names sandboxes -A)
fi
if has sandboxpools; then
  agents=$(names pods -A -l app=sandbox-agent)
  kubectl delete sandboxpools --all -A --timeout="$timeout"
  while read -r of name; do
    [ -z "$name" ] || kubectl -n "$of" wait --for=delete "pod/$name" --timeout="$timeout" || true # already gone
  done <<<"$agents"
  [ -z "$agents" ] || { echo "waiting $last_sweep s for the last sweep of the janitors"; sleep "$last_sweep"; }
fi
scripts/manifests.sh | kubectl delete --ignore-not-found --timeout="$timeout" -f -
kubectl delete --ignore-not-found --timeout="$timeout" -f k8s/crds
