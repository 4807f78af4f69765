# `make help` lists the targets.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

VENV := .venv
SAM := $(VENV)/bin/sam
# SAM wants a region, and sends telemetry unless told not to.
SAM_ENV := AWS_DEFAULT_REGION=us-east-1 SAM_CLI_TELEMETRY=0
# For the local tools.
TRANSFORM_OPTION = $(if $(TRANSFORM),--transform '$(TRANSFORM)')
SETTINGS_OPTION = $(if $(SETTINGS),--settings '$(SETTINGS)')
# A sample's name, a path, or - for standard input.
GIVEN = $(or $(EVENT),$(FILE))
PORT_OPTION = $(if $(PORT),--port '$(PORT)')

# ops/ gets its options from the environment, where make puts what stands on its command line.
OPS = PYTHONDONTWRITEBYTECODE=1 $(VENV)/bin/python -m ops
# A $ in their values is meant as it is: make would take it, and what follows, for a variable.
LITERAL := PARAMS TRANSFORM PREBUILT EVENTS FILTER
literal = $(if $(findstring command,$(origin $(1))),$(eval override $(1) := $$(subst $$$$$$$$,$$$$,$$(value $(1))))$(eval export $(1)))
$(foreach name,$(LITERAL),$(call literal,$(name)))
# An unpacked release has no sources.
IS_RELEASE := $(if $(wildcard Cargo.toml),,yes)
# A shell's own ARCH must not change a stack.
ifeq ($(origin ARCH),environment)
unexport ARCH
override ARCH :=
endif
# A key that may write belongs into no command line, where everybody on the machine can read it.
ifeq ($(origin DODO_WRITE_KEY),command line)
$(error Put the key into the environment, not on the command line, where others can read it. Type: make connect, to be asked)
endif

.PHONY: help setup demo dev send invoke preview test lint unit template ops-tests faults hostile load flood fuzz build validate deploy connect secret doctor logs destroy package bench bench-stages clean

help: ## List the targets.
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /  make \1\t/' | expand -t 20

setup: $(VENV)/.complete ## Make the virtual environment with the pinned tools (the other targets do this when needed).

$(VENV)/.complete: tests/requirements.txt ops/requirements.txt tests/constraints.txt
	@echo "==> virtual environment with the pinned tools (once, a minute or two)"
	@for tool in python3 cargo; do command -v $$tool > /dev/null || { echo "$$tool is missing. Install Python 3 (with venv) and the Rust toolchain (rustup), then run the same again. To deploy without Rust: make deploy PREBUILT=release." >&2; exit 2; }; done
	@python3 -m venv --clear $(VENV)
	@$(VENV)/bin/pip install --disable-pip-version-check --progress-bar off --requirement $< --constraint tests/constraints.txt \
		| sed -nu -e 's/^Collecting \([^ <>=!;(]*\).*/    \1/p' -e 's/^Installing.*/    installing/p'
	@touch $@

# What deploying and looking after a stack needs: less than the above, and no Rust.
$(VENV)/.tools: ops/requirements.txt tests/constraints.txt
	@[ ! $(VENV)/.complete -nt tests/constraints.txt ] || { touch $@; exit 0; }; \
		echo "==> virtual environment with the tools for deploying (once, a minute)"; \
		command -v python3 > /dev/null || { echo "python3 is missing. Install Python 3.10 or later (with venv), then run the same again." >&2; exit 2; }; \
		python3 -m venv --clear $(VENV); \
		$(VENV)/bin/pip install --disable-pip-version-check --quiet --requirement $< --constraint tests/constraints.txt; \
		touch $@

demo: setup ## Send every sample event through the function on this machine; no account needed.
	@echo "==> build (minutes the first time, seconds later)"
	@cargo build --locked --bins
	@cargo build --locked --package local-tools
	@exec target/debug/local demo

dev: setup ## Run function, services and page until Ctrl-C; takes changes at once. TRANSFORM=path, SETTINGS=file, KEY=1, PORT=9000, PAGE_PORT=9001.
	@cargo build --locked --bins
	@cargo build --locked --package local-tools
	@exec target/debug/local dev $(if $(PORT),--port $(PORT)) $(if $(PAGE_PORT),--page-port $(PAGE_PORT)) \
		$(if $(CUSTOMERIO_PORT),--customerio-port $(CUSTOMERIO_PORT)) $(TRANSFORM_OPTION) $(SETTINGS_OPTION) $(if $(KEY),--key)

send: event-given ## Sign an event and post it to `make dev`, or with DODO_WEBHOOK_SECRET to URL=https://…: EVENT=name, path or -, or FILE=path.
	@cargo build --locked --quiet --package local-tools
	@target/debug/local send '$(GIVEN)' $(if $(URL),--url '$(URL)') $(PORT_OPTION)

invoke: event-given setup ## Invoke `make dev` with `cargo lambda invoke` instead of HTTP: EVENT=payment.succeeded
	@cargo build --locked --quiet --package local-tools
	@target/debug/local invoke '$(GIVEN)' $(PORT_OPTION)

preview: event-given ## Show the requests that an event becomes, without sending them: EVENT=name, path or -, TRANSFORM=path, INPUT=1.
	@cargo build --locked --quiet --package local-tools
	@target/debug/local preview '$(GIVEN)' $(TRANSFORM_OPTION) $(SETTINGS_OPTION) $(if $(INPUT),--input)

.PHONY: event-given
event-given:
	@[ -n '$(GIVEN)' ] || { echo 'Which event? For instance EVENT=payment.succeeded (`ls events` lists all samples), or EVENT=path, or EVENT=- for standard input.' >&2; exit 2; }

ifdef TRANSFORM
test:
	@cargo build --locked --quiet --package local-tools
	@target/debug/local check $(TRANSFORM_OPTION)
else
test: setup lint template ops-tests unit ## Run all checks and tests. With TRANSFORM=path: run that transform over all samples.
endif

lint: setup
	@echo "==> format, lints, docs"
	@cargo fmt --all --check
	@cargo clippy --locked --workspace --all-targets -- -D warnings
	@RUSTDOCFLAGS='-D warnings' cargo doc --locked --workspace --no-deps --quiet
	@$(VENV)/bin/zizmor --offline --no-progress --quiet .github
	@if command -v cargo-deny > /dev/null; then cargo deny --log-level error check licenses bans sources; \
		else echo "    cargo-deny is not installed: licences, banned crates and sources are NOT checked here (CI checks them)."; fi

template: setup
	@echo "==> template"
	@$(SAM_ENV) $(SAM) validate --lint
	@! grep -nE "(Action|Resource): *['\"]?.*\*" template.yaml || { echo 'template.yaml: a policy has a wildcard' >&2; exit 1; }

ops-tests: setup
	@echo "==> tests of ops/"
	@$(VENV)/bin/python -m pytest -q tests/ops

# The release builds are for tests/budget.rs. Linking them is work for one core, so they run beside the tests' build.
unit: setup
	@echo "==> build the tests, and the function as it is deployed, with and without JavaScript"
	@mkdir -p target
	@(cargo build --locked --release --bins --no-default-features && cargo build --locked --release --bins) > target/release.log 2>&1 & release=$$!; \
		trap 'kill $$release 2> /dev/null || true' EXIT; \
		cargo test --locked --workspace --no-run; \
		wait $$release || { cat target/release.log >&2; exit 1; }
	@echo "==> tests"
	@cargo test --locked --workspace

faults: ## Run the fault bench alone and print its report.
	@cargo test --locked --test faults -- --nocapture

hostile: ## Run COUNT=10000 hostile handlers, SEED=7; SHARE=128: within the real limits at the CPU share of a function of 128 MB.
	@cargo build --locked --bins
	@COUNT='$(COUNT)' SEED='$(SEED)' SHARE='$(SHARE)' cargo test --locked --test hostile -- --nocapture

load: setup ## Send COUNT=100000 webhooks through one process and watch its memory. TRANSFORM=path.
	@cargo build --locked --release --bins
	@cargo build --locked --profile bench --package local-tools
	@exec target/release/local load target/release/dodo-customerio $(or $(COUNT),100000) $(TRANSFORM_OPTION)

flood: setup ## Measure what requests cost that the function refuses, and what a flood of them costs at most.
	@cargo build --locked --release --bins
	@cargo build --locked --package local-tools
	@exec target/debug/local flood target/release/dodo-customerio

FUZZ_TARGET = $(or $(TARGET),webhook)

# cargo-fuzz needs a nightly compiler only for its flags; with RUSTC_BOOTSTRAP the stable one accepts them.
fuzz: $(VENV)/bin/cargo-fuzz ## Fuzz headers, bodies and events (TARGET=webhook) or the redaction of messages (TARGET=redaction) for SECONDS=60.
	@mkdir -p target/fuzz-corpus/$(FUZZ_TARGET)
	@RUSTC_BOOTSTRAP=1 $(VENV)/bin/cargo-fuzz fuzz run $(FUZZ_TARGET) --sanitizer none --target-dir target/fuzz \
		target/fuzz-corpus/$(FUZZ_TARGET) events -- -max_total_time=$(or $(SECONDS),60) -max_len=65536 -print_final_stats=1

$(VENV)/bin/cargo-fuzz:
	@echo "==> cargo-fuzz (once)"
	@cargo install --locked --quiet --root $(VENV) cargo-fuzz

build: setup ## Build the bootstrap that Lambda runs, without deploying it (ARCH=arm64 or x86_64).
	@$(SAM_ENV) PATH="$(abspath $(VENV)/bin):$$PATH" $(SAM) build $(if $(ARCH),--parameter-overrides Architecture=$(ARCH))

HOST_ARCH := $(if $(filter aarch64 arm64,$(shell uname -m)),arm64,x86_64)

validate: setup ## Check the template, build the bootstrap and run it on every sample, as Lambda would. PREBUILT=folder: run a release's.
ifdef PREBUILT
	@rm -rf target/validate
	@$(VENV)/bin/python -m zipfile --extract '$(PREBUILT)'/*-$(HOST_ARCH).zip target/validate
	@chmod +x target/validate/bootstrap
else
	@$(SAM_ENV) $(SAM) validate --lint
	@$(MAKE) build ARCH=$(HOST_ARCH)
endif
	@cargo build --locked --quiet --package local-tools
	@exec target/debug/local load $(if $(PREBUILT),target/validate/bootstrap,.aws-sam/build/Function/bootstrap) $(words $(wildcard events/*.json))

deploy: $(if $(PREBUILT)$(IS_RELEASE),$(VENV)/.tools,setup) ## Deploy; asks little the first time. PARAMS="AlarmEmail=… SilenceHours=6", TRANSFORM=plans.js|.|none, ARCH=x86_64, PREBUILT=release, GUIDED=1, YES=1.
	@$(OPS) deploy

connect: $(VENV)/.tools ## Make the endpoint at Dodo for the stack, store its signing secret and enable it. RATE_LIMIT=10, EVENTS=payment.succeeded,…
	@$(OPS) connect

secret: $(VENV)/.tools ## Store credentials: typed without echo, or from the environment or standard input. ADD=1, DROP=1 for a rotation.
	@$(OPS) secret

doctor: $(VENV)/.tools ## Check AWS, stack, secret, Customer.io and function, and say how to fix what is wrong.
	@$(OPS) doctor

logs: $(VENV)/.tools ## Follow the log of the deployed function. SINCE=2h, FILTER=ERROR; ID=msg_… shows what became of one webhook.
	@$(OPS) logs

destroy: $(VENV)/.tools ## Delete the stack and everything in it, including the secret; says what is final, and asks.
	@$(OPS) destroy

package: setup ## Build a release for both architectures into target/package; the same commit gives the same bytes.
	@$(OPS) package

bench: setup ## Measure start, time, CPU, memory and size, compared with others (half an hour). SUITE=profiles|binaries, ROUNDS=15, ONLY=name, RECORD=1.
	@echo "==> the measuring side"
	@cargo build --locked --profile bench --bench lambda
	@SUITE='$(SUITE)' ROUNDS='$(ROUNDS)' WEBHOOKS='$(WEBHOOKS)' ONLY='$(ONLY)' BINARIES='$(BINARIES)' RECORD='$(RECORD)' \
		cargo bench --locked --quiet --bench lambda
	@[ -n '$(SUITE)$(ONLY)' ] || $(MAKE) bench-stages

bench-stages: ## Count instructions and allocations of each stage, for payloads of 1 kB to 1 MB.
	@echo "==> instructions and allocations"
	@cargo bench --locked --quiet --profile release --bench instructions --bench allocations

clean: ## Remove everything built or installed here.
	@rm -rf target .aws-sam $(VENV)
