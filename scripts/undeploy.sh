#!/usr/bin/env bash
# undeploy.sh: takes the product off the cluster of $KUBECONFIG, with all its sandboxes and pools: first nobody makes new
# ones, then they end while those who end them are there, then the services go, and the CRDs last. Nothing stays in
# Terminating: a Sandbox that does not end within $TIMEOUT seconds (120) loses its finalizer.
set -euo pipefail
cd "$(dirname "$0")/.."
namespace=fast-sandbox-system
timeout=${TIMEOUT:-120}s
# a removed agent's waiting containers are the janitor's, once they are older than its orphan timeout
last_sweep=15
has() { kubectl get crd "$1.sandbox.fast.io" >/dev/null 2>&1; }
names() { kubectl get "$@" -o 'jsonpath={range .items[*]}{.metadata.namespace} {.metadata.name}{"\n"}{end}'; }

if kubectl -n $namespace get deployment fastpath-gateway >/dev/null 2>&1; then
  kubectl -n $namespace scale deployment fastpath-gateway --replicas=0
  kubectl -n $namespace wait --for=delete pod -l app.kubernetes.io/name=fastpath-gateway --timeout="$timeout" || true # none there
fi
if has sandboxes && ! kubectl delete sandboxes --all -A --timeout="$timeout"; then
  echo 'undeploy.sh: these do not end and lose their finalizer; what is left of them on a node is the janitor'"'"'s:' >&2
  while read -r of name; do
    echo "  $of/$name" >&2
    kubectl -n "$of" patch sandbox "$name" --type=merge -p '{"metadata":{"finalizers":null}}' || true # it may have gone
  done < <(names sandboxes -A)
fi
if has sandboxpools; then
  agents=$(names pods -A -l app=sandbox-agent)
  kubectl delete sandboxpools --all -A --timeout="$timeout"
  while read -r of name; do
    [ -z "$name" ] || kubectl -n "$of" wait --for=delete "pod/$name" --timeout="$timeout" || true # it may have gone
  done <<<"$agents"
  [ -z "$agents" ] || { echo "waits $last_sweep s for the janitors' last sweep"; sleep "$last_sweep"; }
fi
scripts/manifests.sh | kubectl delete --ignore-not-found --timeout="$timeout" -f -
kubectl delete --ignore-not-found --timeout="$timeout" -f k8s/crds
