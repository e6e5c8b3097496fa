#!/usr/bin/env bash
# kubernetes-debian.sh CACHE: builds Kubernetes 1.20 from Debian 12's source package, and unpacks Debian's etcd. The
# last output line is the folder of the programs. An interrupted build is continued. Called by kubernetes.sh, which
# holds the lock. Exit code 77: a package cannot be fetched, or the build took longer than 25 minutes.
set -euo pipefail
scripts=$(realpath "$(dirname "$0")")
step=$scripts/step.sh
cache=$1
bin=$cache/bin-5 # increment the suffix when the same version is built in another way
programs=(kube-apiserver kube-controller-manager kube-scheduler kubelet kube-proxy)
complete() {
  local name
  for name in etcd "${programs[@]}"; do [ -x "$bin/$name" ] || return 1; done
}
if complete; then echo "$bin"; exit 0; fi
unavailable() {
  echo "SKIPPED: no real Kubernetes API server can be built: $1" >&2
  exit 77
}

work=$cache/work
go=$work/src/.go # a GOPATH inside the tree: its Makefile predates Go modules
mkdir -p "$work/apt/parts" "$work/apt/lists/partial" "$work/apt/cache/archives/partial" "$work/home" "$work/bin"
cd "$work"

# The machine's own package lists stay unchanged: sources are read from a copy with deb-src entries.
shopt -s nullglob
for file in /etc/apt/sources.list.d/*.sources; do
  grep -q '^Suites:.*bookworm' "$file" && sed 's/^Types:.*/Types: deb-src/' "$file" >"apt/parts/$(basename "$file")"
done
for file in /etc/apt/sources.list /etc/apt/sources.list.d/*.list; do
  [ -f "$file" ] && sed -n '/bookworm/s/^deb /deb-src /p' "$file" >"apt/parts/$(basename "$file")"
done
sources=(-o Dir::Etc::SourceList=/dev/null -o "Dir::Etc::SourceParts=$work/apt/parts" -o "Dir::State::Lists=$work/apt/lists"
  -o "Dir::Cache=$work/apt/cache" -o APT::Sandbox::User=root)

export DEBIAN_FRONTEND=noninteractive
"$step" 'reads the package lists' apt-get update -q
"$step" 'installs the Go compiler' apt-get install -qy --no-install-recommends golang-1.19-go make gcc libc6-dev dpkg-dev rsync jq
"$scripts/etcd.sh" "$work/bin" || unavailable 'etcd cannot be fetched'
if [ ! -f src/Makefile ]; then
  "$step" 'reads the source lists' apt-get "${sources[@]}" update -q || unavailable 'no source lists of Debian 12'
  "$step" 'fetches the Kubernetes source' apt-get "${sources[@]}" source -q --download-only kubernetes ||
    unavailable 'the source package of kubernetes cannot be fetched'
  rm -rf src unpacked
  "$step" 'unpacks it' dpkg-source -x kubernetes_*.dsc unpacked
  mv unpacked src
fi
# Go 1.18 changed the signature of an internal function that this package links to. Unpatched, it writes to an
# arbitrary address, and the API server crashes with a segmentation fault after a while.
reflect2=src/vendor/github.com/modern-go/reflect2/unsafe_link.go
if ! grep -q mapiterinit118 "$reflect2"; then
  sed -i -e 's|^//go:linkname mapiterinit reflect.mapiterinit|//go:linkname mapiterinit118 reflect.mapiterinit|' \
    -e 's|^func mapiterinit(.*|func mapiterinit118(rtype unsafe.Pointer, m unsafe.Pointer, it *hiter)|' \
    -e 's|^\(\t*\)// rest fields are ignored|\1pointers [6]unsafe.Pointer\n\1rest [8]uintptr|' "$reflect2"
  cat >>"$reflect2" <<'END'

func mapiterinit(rtype unsafe.Pointer, m unsafe.Pointer) *hiter {
	it := new(hiter)
	mapiterinit118(rtype, m, it)
	return it
}
END
  grep -q 'pointers \[6\]' "$reflect2" || { echo "$reflect2 has changed: the patch was not applied" >&2; exit 1; }
fi
# Since Go 1.18 an empty string is the same pointer as reflect's zero value, which the validation of custom resources
# takes for null.
check=src/vendor/k8s.io/kube-openapi/pkg/validation/validate/type.go
sed -i 's/if data == nil || reflect.DeepEqual(reflect.Zero(reflect.TypeOf(data)), reflect.ValueOf(data)) {/if data == nil {/' "$check"
grep -q 'if data == nil {' "$check" || { echo "$check has changed: the patch was not applied" >&2; exit 1; }
version=$(basename kubernetes_*.dsc | sed -E 's/^kubernetes_([0-9.]+).*/\1/')
IFS=. read -r major minor _ <<<"$version"
cat >version <<END
KUBE_GIT_COMMIT=debian
KUBE_GIT_TREE_STATE=archive
KUBE_GIT_VERSION=v$version
KUBE_GIT_MAJOR=$major
KUBE_GIT_MINOR=$minor
END

mkdir -p "$go/src/k8s.io"
ln -sfn ../../.. "$go/src/k8s.io/kubernetes"
cd "$go/src/k8s.io/kubernetes"
# Debian's Go 1.19 even if PATH has a newer one, which is too new for this tree
build=(timeout 1500 env -u GOFLAGS -u GOROOT PATH="/usr/lib/go-1.19/bin:$PATH" GOPATH="$go" HOME="$work/home" CGO_ENABLED=0 GO111MODULE=off
  KUBE_GIT_VERSION_FILE="$work/version" make WHAT="${programs[*]/#/cmd/}")
code=0
"$step" "builds Kubernetes $version (5 to 15 minutes, once)" "${build[@]}" || code=$?
[ $code != 124 ] || unavailable 'the build took longer than 25 minutes; run again to continue it'
[ $code = 0 ] || exit $code
cp "${programs[@]/#/$work/src/_output/local/go/bin/}" "$work/bin/"
rm -rf "$cache"/bin-*
mv "$work/bin" "$bin"
rm -rf "$work"
echo "$bin"
