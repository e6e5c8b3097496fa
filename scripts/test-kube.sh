#!/usr/bin/env bash
# test-kube.sh: what depends on the API server, on a real one (jest.config.cjs says which specs), without standby containers;
# then a minute of chaos with them. Ends well, and says why, where no Kubernetes can be built.
set -uo pipefail
cd "$(dirname "$0")/.."
scripts/kubernetes.sh
code=$?
[ $code != 77 ] || exit 0
[ $code = 0 ] || exit $code
more=()
if [[ $(scripts/kubernetes.sh 2>/dev/null | tail -n 1) != */1.35.* ]]; then
  echo 'LEFT OUT: test/kube/differences.spec.ts compares our API server with that of 1.35'
  more=(--testPathIgnorePatterns '/test/kube/differences\.spec\.ts$')
fi
export FSB_TEST_KUBERNETES=1
FSB_TEST_WARM=0 scripts/tests.sh --selectProjects kube --passWithNoTests=false "${more[@]}"
code=$?
DURATION=60 node test/support/run-bundled.mjs chaos && exit $code
