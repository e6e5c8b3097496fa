#!/usr/bin/env bash
# manifests.sh: what of k8s/ the cluster of $KUBECONFIG takes, rendered: policy/v1 is there from 1.21 on.
#   IMAGES=registry.example.com/fast-sandbox   where its nodes pull the images from; absent: they have them
set -euo pipefail
cd "$(dirname "$0")/.."
minor=$(kubectl get --raw /version | sed -nE 's/.*"minor": *"([0-9]+).*/\1/p')
overlay=current
[ "$minor" -ge 21 ] || overlay=kubernetes-1.20
kubectl kustomize k8s/overlays/$overlay | sed "s|image: fast-sandbox/|image: ${IMAGES:-fast-sandbox}/|"
