# Debian packages are installed by name where they are absent; everything else comes from the npm registry.
SHELL := /bin/bash
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help

# ROOT=DIR keeps a stack below one folder, beside the machine's; FLAGS go to `standalone up`
ROOT ?=
FLAGS ?=
# both are kept for the next `make up`; REPLICAS=2 starts two gateways and two of each controller
REPLICAS ?=
YES ?=
root := $(if $(ROOT),--root $(ROOT))
replicas := $(if $(REPLICAS),--replicas $(REPLICAS))
standalone := node dist/apps/standalone/src/main.js
sources = $(shell find apps libs -name gen -prune -o -name '*.ts' ! -name '*.spec.ts' -print)

help: ## what there is
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' Makefile

quickstart: ## install what is absent, build, start the stack, make a pool and a sandbox
	@scripts/quickstart.sh

up: build ## start the one-machine stack, or what is missing of it; a running one takes other REPLICAS= and FLAGS=
	@$(standalone) up $(root) $(replicas) $(FLAGS)

down: ## end the stack; objects, images and keys are kept
	@$(standalone) down $(root)

purge: build ## end the stack and remove all of it: objects, images, keys, logs (YES=1: do not ask where sandboxes run)
	@$(standalone) purge $(root) $(if $(filter 1 yes,$(YES)),--yes)

status: ## every process and its health; Error 3: it is stopped, Error 1: something is not healthy
	@$(standalone) status $(root)

token: build ## NAMESPACE=team-a ROLE=tenant: a caller of its own for a namespace (tenant or viewer), kept by up
	@$(standalone) token $(root) --namespace "$(NAMESPACE)" --role $(or $(ROLE),tenant)

load: build ## ARCHIVE=image.tar: import the images of docker save, or of an OCI archive, into the stack
	@$(standalone) load $(root) $(ARCHIVE)

kubeconfig: ## the path of the kubeconfig (make -s kubeconfig)
	@echo $(if $(ROOT),$(abspath $(ROOT))/state,/var/lib/fast-sandbox)/kubeconfig

build: dist/.built ## compile what has changed

test: packages lint ## lint, types, import rules, unit and end-to-end tests
	@scripts/tests.sh --selectProjects pure node e2e --passWithNoTests=false

test-pure: node_modules/.generated ## the specs that start nothing: no process, no server, no root
	npx jest --selectProjects pure --maxWorkers 2 --forceExit=false

kubernetes: ## build the real Kubernetes of the next two once: 1.35 from the Go module proxy, without Go 1.25 that of Debian (KUBERNETES=1.20: always)
	@scripts/kubernetes.sh; code=$$?; [ $$code = 77 ] || exit $$code

test-readme: packages build ## every command and snippet of README.md, in order, on the machine's stack
	@scripts/packages.sh python3-venv
	@scripts/tests.sh --selectProjects readme --runInBand --passWithNoTests=false

test-kube: packages build ## what depends on the API server, and a minute of chaos, on a real one (no waiting containers); how ours differs from it
	@scripts/test-kube.sh

test-upgrade: packages build ## FROM=commit: that tree's stack, under load, gets this one's processes one by one; nothing is lost
	@FROM=$(FROM) scripts/tests.sh --selectProjects upgrade --runInBand --passWithNoTests=false

test-cluster: packages build ## the product on a real one-node Kubernetes (built once), through kubectl and the gateway
	@test/cluster/node.sh check && scripts/kubernetes.sh; code=$$?; \
	if [ $$code = 77 ]; then exit 0; elif [ $$code != 0 ]; then exit $$code; fi; \
	scripts/tests.sh --selectProjects cluster --passWithNoTests=false

chaos: packages build ## load and faults on a stack of its own, then everything is counted (SEED=, DURATION= seconds)
	@SEED=$(SEED) DURATION=$(DURATION) node test/support/run-bundled.mjs chaos

soak: packages build ## the load of users on a stack of its own: every exit code, byte of log and phase is compared (SEED=, DURATION=120 seconds)
	@SEED=$(SEED) DURATION=$(DURATION) node test/support/run-bundled.mjs soak

fuzz: packages build ## 23,000 generated requests at gateway, agent, API server and fsb-ctl (SEED= repeats a run, RUNS=17000 is what targets have shares of)
	@SEED=$(SEED) RUNS=$(RUNS) scripts/fuzz.sh

scale: build ## the real processes with AGENTS=1000 simulated agents and SANDBOXES=50000; prints figures
	@npx esbuild test/scale/main.ts --bundle --platform=node --target=node20 --packages=external --log-level=warning --outfile=dist/scale/main.js
	node dist/scale/main.js

bench: build ## every figure beside a yardstick of the same run, 16 minutes (CASES=warm-1,cold-1 SHARE=0.5 of the rounds)
	@scripts/packages.sh podman
	@npx esbuild test/bench/main.ts --bundle --platform=node --target=node20 --packages=external --log-level=warning --outfile=dist/bench/main.js
	@CASES=$(CASES) SHARE=$(SHARE) node dist/bench/main.js

images: packages build ## an image for each service, in one archive below .build/images (no daemon, no registry)
	@scripts/images.sh

manifests: ## k8s/install.yaml anew, from k8s/base and k8s/overlays/current
	@scripts/install-manifest.sh >k8s/install.yaml.part && mv k8s/install.yaml.part k8s/install.yaml

deploy: ## the product onto the cluster of KUBECONFIG, whose nodes have the images
	@scripts/deploy.sh

undeploy: ## takes it off again: sandboxes and pools, then the services, then the CRDs
	@scripts/undeploy.sh

lint: node_modules/.generated ## types, lint, import rules, names, proto
	npm run -s typecheck
	npm run -s lint
	npm run -s lint:imports
	npm run -s lint:names
	npm run -s lint:unused
	npm run -s lint:proto

sbom: node_modules/.installed ## .build/sbom.cdx.json: what is shipped from npm, as CycloneDX
	@mkdir -p .build && npm sbom --omit=dev --sbom-format=cyclonedx >.build/sbom.cdx.json.part && mv .build/sbom.cdx.json.part .build/sbom.cdx.json

licences: sbom ## the licences of what is shipped; fails on one that is not allowed
	@node scripts/licences.mjs .build/sbom.cdx.json

audit: node_modules/.installed ## known faults of what is shipped, where the registry tells them
	@node scripts/audit.mjs

packages: ## install the Debian packages that are absent
	@scripts/packages.sh

generate: node_modules/.generated ## the code that comes from proto/

node_modules/.installed: package.json package-lock.json
	@scripts/step.sh 'installs npm packages' npm ci --loglevel=http
	@touch $@

node_modules/.generated: node_modules/.installed buf.gen.yaml buf.gen.containerd.yaml scripts/descriptors.mjs $(shell find proto -name '*.proto')
	@scripts/step.sh 'generates the wire' npm run -s generate
	@node scripts/descriptors.mjs
	@touch $@

# skipped where no source is newer
dist/.built: node_modules/.generated nest-cli.json tsconfig.json tsconfig.build.json scripts/build.sh scripts/compile.mjs scripts/bundle-cli.mjs scripts/build-launcher.sh $(wildcard apps/node-agent/launcher/*.[ch]) $(sources)
	@scripts/step.sh 'compiles' scripts/build.sh
	@touch $@

.PHONY: help quickstart up down purge status load token kubeconfig build test test-pure kubernetes test-readme test-kube test-upgrade test-cluster chaos soak fuzz scale bench lint sbom licences audit packages generate images manifests deploy undeploy
