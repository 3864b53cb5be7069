# make demo   the main job end to end on this machine: build, publish, hit
# make test   everything CI checks
# make help   the rest

SHELL   := /bin/bash
TOOLS   := .tools/bin
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null)
LDFLAGS := -s -w -X github.com/cachectl/cachectl/cmd/cachectl/internal/cli.version=$(VERSION)
DEMO    := .demo
export PATH := $(CURDIR)/$(TOOLS):$(PATH)
export CGO_ENABLED ?= 0
# The same for tools, program, tests and linters: what several of them need is then compiled once.
export GOFLAGS := $(shell go env GOFLAGS) -trimpath

.PHONY: build help deps demo-deps tools each-tool demo test unit lint bench fuzz fmt clean bin/cachectl

build: bin/cachectl ## build bin/cachectl

help: ## list what make can do
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 12

bin/cachectl:
	go build -ldflags '$(LDFLAGS)' -o $@ ./cmd/cachectl

deps: ## install what builds and tests need beside Go
	@tools/deps
demo-deps:
	@tools/deps demo

# Each tool is built with the versions of its own go.mod; a stamp of that file says whether it is up to date.
define tool
$(TOOLS)/.$(1): $(2)/go.mod $(2)/go.sum
	@mkdir -p $(TOOLS)
	cd $(2) && go build -o $(CURDIR)/$(TOOLS)/ $(3)
	@touch $$@
endef
$(eval $(call tool,buildkit,tools,github.com/moby/buildkit/cmd/buildkitd github.com/moby/buildkit/cmd/buildctl))
$(eval $(call tool,registry,tools/registry,.))
$(eval $(call tool,versitygw,tools/versitygw,github.com/versity/versitygw/cmd/versitygw))
$(eval $(call tool,minio,tools/minio,github.com/minio/minio))
$(eval $(call tool,buildx,tools/buildx,github.com/docker/buildx/cmd/buildx))
$(eval $(call tool,actcache,tools/actcache,.))
$(foreach t,registry actcache,$(eval $(TOOLS)/.$(t): tools/$(t)/main.go))
$(eval $(call tool,golangci-lint,tools/golangci-lint,github.com/golangci/golangci-lint/v2/cmd/golangci-lint))

# Azurite is a program for node; what it needs stands beside it. Scripts of packages are not run.
$(TOOLS)/.azurite: tools/azurite/package.json tools/azurite/package-lock.json
	@tools/node
	@mkdir -p .tools/azurite
	cp tools/azurite/package.json tools/azurite/package-lock.json .tools/azurite/
	cd .tools/azurite && npm ci --ignore-scripts --omit=optional --no-update-notifier --no-audit --no-fund --loglevel=error
	ln -sf ../azurite/node_modules/.bin/azurite-blob $(TOOLS)/azurite-blob
	@touch $@

# Two at a time: linking, and compiling what is large, keep one processor busy each.
tools: ## build buildkitd and the test servers into .tools/bin
	@$(MAKE) --no-print-directory -j2 each-tool
each-tool: $(foreach t,buildkit registry versitygw minio azurite buildx actcache golangci-lint,$(TOOLS)/.$(t))
	@:

demo: demo-deps $(TOOLS)/.buildkit build ## apply cache.hcl.example four times: build, up to date, everything cached, hits on an empty builder
	@tools/demo bin/cachectl $(DEMO)

test: deps tools build lint unit ## everything CI checks

unit: ## the tests alone
	go test -timeout 20m ./...

lint: $(TOOLS)/.golangci-lint ## formatting, vet, linters, and that it builds for macOS
	@test -z "$$(gofmt -l $$(git ls-files '*.go'))" || { gofmt -l $$(git ls-files '*.go'); echo 'run make fmt'; exit 1; }
	go vet ./...
	GOOS=darwin GOARCH=arm64 go build -o /dev/null ./cmd/cachectl
	golangci-lint run

bench: deps tools build ## measure against docker buildx bake and print a table
	go run ./bench

FUZZTIME ?= 1m
fuzz: ## fuzz what reads files and addresses, each for FUZZTIME
	@for t in FuzzHCL FuzzJSON FuzzCacheReference FuzzMigrate; do go test ./config -run '^$$' -fuzz "^$$t\$$" -fuzztime $(FUZZTIME) || exit 1; done
	@go test ./config/remote -run '^$$' -fuzz '^FuzzParse$$' -fuzztime $(FUZZTIME)

fmt: ## format the code and the examples
	gofmt -w $$(git ls-files '*.go')

clean: ## remove what was built; tools stay
	rm -rf bin $(DEMO)
