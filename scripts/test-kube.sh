#!/usr/bin/env bash
# test-kube.sh: runs the specs that depend on the API server (listed in jest.config.cjs) on a real one, without standby
# containers; then one minute of chaos with them. Exits with 0, and says why, when no Kubernetes can be built.
set -uo pipefail
cd "$(dirname "$0")/.."
scripts/kubernetes.sh
code=$?
[ $code != 77 ] || exit 0
[ $code = 0 ] || exit $code
more=()
if [[ $(scripts/kubernetes.sh 2>/dev/null | tail -n 1) != */1.35.* ]]; then
  echo 'SKIPPED: test/kube/differences.spec.ts needs the API server of Kubernetes 1.35'
  more=(--testPathIgnorePatterns '/test/kube/differences\.spec\.ts$')
fi
export FSB_TEST_KUBERNETES=1
FSB_TEST_WARM=0 scripts/tests.sh --selectProjects kube --passWithNoTests=false "${more[@]}"
code=$?
DURATION=60 node test/support/run-bundled.mjs chaos && exit $code
