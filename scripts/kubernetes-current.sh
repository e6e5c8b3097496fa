#!/usr/bin/env bash
# kubernetes-current.sh CACHE: builds Kubernetes 1.35.0 from the Go module proxy, with the `go` of PATH (1.25 or later),
# and unpacks Debian's etcd. The last output line is the folder of the programs. An interrupted build is continued.
# Called by kubernetes.sh, which holds the lock. Exit code 77: module or etcd cannot be fetched, or the build took
# longer than 25 minutes.
set -euo pipefail
scripts=$(realpath "$(dirname "$0")")
version=1.35.0
cache=$1
bin=$cache/$version-1 # increment the suffix when the same version is built in another way
programs=(kube-apiserver kube-controller-manager kube-scheduler kubelet kube-proxy)
missing() {
  local name
  for name in etcd "${programs[@]}"; do [ -x "$bin/$name" ] || return 0; done
  return 1
}
unavailable() {
  echo "Kubernetes $version cannot be built here: $1" >&2
  exit 77
}
if ! missing; then
  echo "$bin"
  exit 0
fi

work=$cache/work-$version
mkdir -p "$work/bin" "$work/tmp"
cd "$work"
export GOPATH=$work/go GOCACHE=$work/build GOTMPDIR=$work/tmp GOTOOLCHAIN=local GOWORK=off CGO_ENABLED=0
export GOFLAGS='-mod=mod -modcacherw -buildvcs=false'
"$scripts/etcd.sh" "$work/bin" || unavailable 'etcd cannot be fetched'

module=k8s.io/kubernetes@v$version
"$scripts/step.sh" "fetches $module" bash -c 'go mod download -json "$1" >module.json' _ "$module" ||
  unavailable 'the Go module proxy does not answer'
source=$(node -p 'JSON.parse(fs.readFileSync("module.json", "utf8")).Dir')

# The module replaces its staging modules (k8s.io/api and others) by folders that exist only in its repository. Their
# releases have the same code: v0.35.0 for 1.35.0.
sed -e 's|^module .*|module fast-sandbox.local/kubernetes|' \
  -e "s|=> \./staging/src/\(k8s\.io/[a-z0-9-]*\)|=> \1 v0.${version#1.}|" "$source/go.mod" >go.mod
echo "require ${module/@/ }" >>go.mod
cp "$source/go.sum" go.sum
chmod u+w go.mod go.sum
! grep -q '=> \./' go.mod || { echo "go.mod of $module has changed: a replace directive is left" >&2; exit 1; }

# main NAME CONSTRUCTOR: writes an equivalent of the module's main package, which cannot be built from outside the
# module
main() {
  mkdir -p "cmd/$1"
  cat >"cmd/$1/main.go" <<END
package main

import (
	"context"
	"os"

	"k8s.io/component-base/cli"
	_ "k8s.io/component-base/logs/json/register"
	"k8s.io/kubernetes/cmd/$1/app"
)

var _ = context.Background

func main() {
	os.Exit(cli.Run(app.$2))
}
END
}
main kube-apiserver 'NewAPIServerCommand()'
main kube-controller-manager 'NewControllerManagerCommand()'
main kube-scheduler 'NewSchedulerCommand()'
main kubelet 'NewKubeletCommand(context.Background())'
main kube-proxy 'NewProxyCommand()'

stamp=k8s.io/component-base/version
IFS=. read -r major minor _ <<<"$version"
flags="-s -w -X $stamp.gitVersion=v$version -X $stamp.gitMajor=$major -X $stamp.gitMinor=$minor"
code=0
"$scripts/step.sh" "builds Kubernetes $version (5 to 15 minutes, once)" \
  timeout 1500 go build -v -ldflags "$flags" -o "$work/bin/" ./cmd/... || code=$?
[ $code != 124 ] || unavailable 'the build took longer than 25 minutes; run again to continue it'
[ $code = 0 ] || exit $code
rm -rf "$bin"
mv "$work/bin" "$bin"
rm -rf "$work"
echo "$bin"
