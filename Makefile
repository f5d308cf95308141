# Stoa. `make help` lists what there is.
GO       ?= go
TOOL      = $(GO) tool -modfile=tools/go.mod
ASSETS    = internal/web/assets
VERSION  ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
LDFLAGS   = -s -w -X github.com/stoa-town/stoa/internal/cli.Version=$(VERSION)

.PHONY: help run build test short lint gen bench mutate slice release assets sbom vuln clean
help: ## list the commands
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

run: build ## open the living demo town at http://127.0.0.1:8080
	./bin/stoa demo

build: assets ## build the one static binary, bin/stoa
	CGO_ENABLED=0 $(GO) build -trimpath -ldflags '$(LDFLAGS)' -o bin/stoa ./cmd/stoa

assets: $(ASSETS)/dist/manifest.json ## build the scripts and styles that pages load

$(ASSETS)/dist/manifest.json: $(ASSETS)/node_modules/.package-lock.json $(shell find $(ASSETS)/src $(ASSETS)/css $(ASSETS)/static $(ASSETS)/*.mjs $(ASSETS)/*.json -type f 2>/dev/null)
	cd $(ASSETS) && npm run --silent build

$(ASSETS)/node_modules/.package-lock.json: $(ASSETS)/package-lock.json
	cd $(ASSETS) && npm ci --no-audit --no-fund --loglevel=error

test: assets ## run every test: both databases, two nodes, a real browser
	./tests/setup.sh
	CGO_ENABLED=0 $(GO) run ./internal/platform/db/dbtest/withpostgres $(GO) test -timeout 20m ./...

short: assets ## run the tests that need no browser and no load
	CGO_ENABLED=0 $(GO) run ./internal/platform/db/dbtest/withpostgres $(GO) test -short ./...

lint: assets ## vet, format and lint
	$(TOOL) gofumpt -l -d $$(git ls-files '*.go' | grep -v _templ.go)
	$(GO) vet ./...
	$(TOOL) golangci-lint run ./...

gen: assets ## write generated files anew: templ pages, the OpenAPI document
	$(TOOL) templ generate -path internal
	$(GO) test ./internal/app -run "TestOpenAPI|TestRoutes" -update

bench: build ## measure the figures that matter, as ratios to the raw ceiling, in one run
	$(GO) run ./tests/bench -stoa bin/stoa
	$(GO) run ./tests/bench -stoa bin/stoa -social

mutate: assets ## say how well the rules of money are tested, by making faults in them (docs/mutation.md)
	CGO_ENABLED=0 $(GO) run ./tests/mutate ./internal/delivery/ledger ./internal/delivery/promo ./internal/delivery/payment

slice: ## write the skeleton of a slice: make slice app=delivery name=tip
	./tools/slice.sh $(app) $(name)

release: assets ## build static binaries for Linux on amd64 and arm64 into dist/
	for arch in amd64 arm64; do CGO_ENABLED=0 GOOS=linux GOARCH=$$arch $(GO) build -trimpath -ldflags '$(LDFLAGS)' -o dist/stoa-linux-$$arch ./cmd/stoa || exit 1; done

sbom: build ## write what the program is made of into dist/, as CycloneDX
	mkdir -p dist
	./bin/stoa version --sbom > dist/stoa-go.cdx.json
	cd $(ASSETS) && npm sbom --sbom-format cyclonedx --package-lock-only > $(CURDIR)/dist/stoa-web.cdx.json

vuln: ## look for known faults in what is called of the modules (asks vuln.go.dev, or VULNDB=file:///…)
	$(GO) run golang.org/x/vuln/cmd/govulncheck@v1.1.4 $(if $(VULNDB),-db $(VULNDB)) ./...

clean: ## delete what was built
	rm -rf bin dist $(ASSETS)/dist/* $(ASSETS)/node_modules
