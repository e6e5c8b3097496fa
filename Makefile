# Debian packages are installed by name where they are absent; everything else comes from the npm registry.
SHELL := /bin/bash
.DELETE_ON_ERROR:

node_modules/.installed: package.json package-lock.json
	npm ci --no-fund --no-audit --loglevel=error
	@touch $@

generate: node_modules/.installed
	npm run -s generate

lint: generate
	npm run -s typecheck
	npm run -s lint
	npm run -s lint:imports
	npm run -s lint:proto

test: lint
	npx jest --passWithNoTests=false

.PHONY: generate lint test
