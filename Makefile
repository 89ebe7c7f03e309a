# Every target sets up what it needs (hack/setup) and may be run on its own.
# Setting up and the tests need root, Go and git on Debian 12 or newer.

# Where "make frontend" pushes to.
FRONTEND ?=

.DEFAULT_GOAL := help
.PHONY: help setup demo test test-unit test-e2e lint lint-deploy bench dist frontend schema clean

help: ## show this list
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  make %-11s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: ## install and build the tools of the other targets
	@hack/setup

demo: ## a dump in S3 becomes a running image; KEEP=1 leaves it running
	@hack/setup packages buildkit buildx versitygw base-mysql
	@go run ./hack/demo $(if $(KEEP),--keep) $(if $(ROWS),--rows=$(ROWS))

test: ## everything that must pass: lint, test-unit, test-e2e
	@hack/setup
	@$(MAKE) --no-print-directory lint
	@$(MAKE) --no-print-directory test-unit
	@$(MAKE) --no-print-directory test-e2e

test-unit: ## tests of the packages, with the race detector
	@hack/test unit $(TESTFLAGS)

test-e2e: ## tests on BuildKit, buildx, registries, S3, Docker, MySQL, MariaDB
	@hack/test e2e $(TESTFLAGS)

lint: ## formatting, go vet, golangci-lint, tidy go.mod; FIX=1 formats
	@FIX=$(FIX) hack/lint

lint-deploy: ## tflint on deploy/terraform; not in "make test", it compiles for minutes
	@go run github.com/terraform-linters/tflint@v0.64.0 --chdir=deploy/terraform --enable-rule=terraform_naming_convention

bench: ## dbake beside the usual ways, into docs/performance.md: SIZE=1000 (MB) RUNS=3 ONLY=a,d
	@hack/setup peers buildkit buildx versitygw base-mysql
	@go run ./hack/bench $(if $(SIZE),--size=$(SIZE)) $(if $(RUNS),--runs=$(RUNS)) $(if $(ONLY),--only=$(ONLY))

dist: ## compile the programs into dist/
	@hack/dist --all

frontend: dist ## build and push the frontend image: FRONTEND=registry.example.com/team/dbake-frontend:1
	@test -n "$(FRONTEND)" || { echo "say where to: make frontend FRONTEND=registry.example.com/team/dbake-frontend:1" >&2; exit 2; }
	docker buildx build --build-context build=dist --target frontend --tag "$(FRONTEND)" --push .

schema: ## write spec/dbake.schema.json anew
	@go generate ./spec

clean: ## remove dist/; the tools' cache is ~/.cache/dbake
	@rm -rf dist
