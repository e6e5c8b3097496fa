#!/usr/bin/env bash
# deploy.sh: deploys the product to the cluster of $KUBECONFIG: CRDs, certificates, the services of k8s/. Idempotent.
# The images must be on the nodes, or in a registry that the nodes pull from.
set -euo pipefail
cd "$(dirname "$0")/.."
namespace=fast-sandbox-system

minor=$(kubectl get --raw /version | sed -nE 's/.*"minor": *"([0-9]+).*/\1/p')
crds=(apply -f k8s/crds)
[ "$minor" -ge 25 ] || crds+=(--validate=false) # older versions drop CEL rules, which kubectl reports as an error
kubectl "${crds[@]}"
kubectl wait --for=condition=Established --timeout=60s crd/sandboxes.sandbox.fast.io crd/sandboxpools.sandbox.fast.io
kubectl apply -f k8s/base/namespace.yaml
scripts/certificates.sh
scripts/manifests.sh | kubectl apply -f -
for workload in daemonset/janitor deployment/pool-controller deployment/sandbox-controller deployment/fastpath-gateway; do
  kubectl -n $namespace rollout status "$workload" --timeout="${TIMEOUT:-180}s"
done
