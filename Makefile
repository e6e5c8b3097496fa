# Debian packages are installed by name where they are absent; everything else comes from the npm registry.
SHELL := /bin/bash
.DELETE_ON_ERROR:

node_modules/.installed: package.json package-lock.json
	npm ci --no-fund --no-audit --loglevel=error
	@touch $@

# what the tests run for real; the quickstart will need the same
PACKAGES := containerd runc crun iproute2 iptables containernetworking-plugins busybox-static umoci skopeo golang-github-containers-common

packages:
	@missing=$$(for name in $(PACKAGES); do dpkg-query -Wf '$${db:Status-Status}' $$name 2>/dev/null | grep -qx installed || echo $$name; done); \
	[ -z "$$missing" ] || { echo "installing" $$missing; \
	  (apt-get install -qy --no-install-recommends $$missing || { apt-get update -q && apt-get install -qy --no-install-recommends $$missing; }) >/dev/null; }

generate: node_modules/.installed
	npm run -s generate

lint: generate
	npm run -s typecheck
	npm run -s lint
	npm run -s lint:imports
	npm run -s lint:proto

test: packages lint
	npx jest --passWithNoTests=false

.PHONY: packages generate lint test
