#!/usr/bin/env bash
# manifests.sh: renders the overlay of k8s/ that fits the cluster of $KUBECONFIG (policy/v1 exists since 1.21).
#   IMAGES=registry.example.com/fast-sandbox   registry that its nodes pull from; absent: the images are on the nodes
set -euo pipefail
cd "$(dirname "$0")/.."
minor=$(kubectl get --raw /version | sed -nE 's/.*"minor": *"([0-9]+).*/\1/p')
overlay=current
[ "$minor" -ge 21 ] || overlay=kubernetes-1.20
kubectl kustomize k8s/overlays/$overlay | sed "s|image: fast-sandbox/|image: ${IMAGES:-fast-sandbox}/|"
