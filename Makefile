# `make help` lists the targets. GNU make 3.81, bash 3.2 and BSD tools suffice, as macOS has them: tests/portable.rs.

# Options here and not in .SHELLFLAGS, which make 3.81 does not know: a command that fails ends its recipe.
SHELL := /bin/bash -euo pipefail
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

ifeq ($(wildcard template.yaml),)
$(error This Makefile runs in its own folder. Type: make -C path/to/dodo-customerio)
endif

# Any Python from 3.11 on, such as PYTHON=python3.12, to make the virtual environment with.
PYTHON := python3
VENV := .venv
SAM := $(VENV)/bin/sam
# SAM wants a region, and sends telemetry unless told not to.
SAM_ENV := AWS_DEFAULT_REGION=us-east-1 SAM_CLI_TELEMETRY=0
# Values travel in the environment, where make puts what stands on its command line: quotes in them do no harm.
TRANSFORM_OPTION = $(if $(TRANSFORM),--transform="$$TRANSFORM")
SETTINGS_OPTION = $(if $(SETTINGS),--settings="$$SETTINGS")
DELIVERY_OPTION = $(if $(DELIVERY),--delivery="$$DELIVERY")
PORT_OPTION = $(if $(PORT),--port="$$PORT")
# A sample's name, a path, or - for standard input.
GIVEN = "$${EVENT:-$${FILE-}}"
# Whether a variable stands on the command line; those in LITERAL are overridden there.
typed = $(filter override command,$(origin $(1)))
# ops/ gets its options from the environment too.
OPS = PYTHONDONTWRITEBYTECODE=1 $(VENV)/bin/python -m ops
# A $ in their values is meant as it is: make would take it, and what follows, for a variable.
LITERAL := STACK PARAMS TRANSFORM PREBUILT EVENTS EVENT_NAMES EXCLUDE_FIELDS PERSON_IDENTIFIER FILTER ID SINCE UNTIL EXCLUDE EVENT FILE SETTINGS URL MAIL
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

ifneq ($(filter %.js,$(MAKECMDGOALS)),)
$(error A JavaScript file is the value of a variable. Type: make $(firstword $(filter-out %.js,$(MAKECMDGOALS)) check) TRANSFORM=$(filter %.js,$(MAKECMDGOALS)))
endif

.PHONY: help setup demo dev send invoke preview check test lint unit template ops-tests faults hostile load flood fuzz mutants build validate deploy connect secret doctor logs redrive destroy backfill package bench bench-stages bench-backfill clean

# Lines of this file that explain a target, by the mark before the explanation.
LISTED = while IFS= read -r line; do if [[ $$line =~ ^([a-z-]+):.*\ $(1)\ (.*)$$ ]]; then \
	printf '  make %-14s %s\n' "$${BASH_REMATCH[1]}" "$${BASH_REMATCH[2]}"; fi; done < Makefile

help: ## List the targets.
	@$(call LISTED,##)
	@echo; echo 'To work on the function itself:'
	@$(call LISTED,###)

# Says that a variable must be a number, with an example.
NUMBER = value='$(subst ','\'',$($(1)))'; case "$$value" in *[!0-9]*) echo "$(1) must be a number, not \"$$value\". For instance: $(1)=$(2)" >&2; exit 2;; esac

.PHONY: cargo-given delivery-given event-given python-gone
cargo-given:
	@[ -f Cargo.toml ] || { echo 'An unpacked release has no sources. Type: make deploy; for everything else clone the repository.' >&2; exit 2; }
	@command -v cargo > /dev/null || { echo 'cargo is missing. Install the Rust toolchain with rustup, then type the same again. To deploy without Rust: make deploy PREBUILT=release' >&2; exit 2; }
	@command -v cc > /dev/null || { echo 'cc is missing. Install a C compiler (Debian and Ubuntu: apt-get install build-essential; macOS: xcode-select --install), then type the same again.' >&2; exit 2; }

# Before anything is built.
delivery-given:
	@case "$${DELIVERY:-direct}" in direct|queue) ;; *) echo "DELIVERY must be direct or queue, not \"$$DELIVERY\"." >&2; exit 2;; esac

event-given:
	@[ -z '$(and $(call typed,EVENT),$(call typed,FILE))' ] || { echo 'EVENT and FILE both name an event. Type the same with one of them.' >&2; exit 2; }
	@[ -n $(GIVEN) ] || { echo 'Which event? For instance EVENT=payment.succeeded (`ls events` lists all samples), or EVENT=path, or EVENT=- for standard input.' >&2; exit 2; }

# The virtual environment has parts; each target names those that it needs.
DEMO_TOOLS := $(VENV)/.demo
OPS_TOOLS := $(VENV)/.ops
BUILD_TOOLS := $(VENV)/.build
TEST_TOOLS := $(VENV)/.tests
ALL_TOOLS := $(DEMO_TOOLS) $(OPS_TOOLS) $(BUILD_TOOLS) $(TEST_TOOLS)

$(DEMO_TOOLS): crates/local-tools/requirements.txt crates/local-tools/requirements-alone.txt
$(OPS_TOOLS): ops/requirements.txt
$(BUILD_TOOLS): ops/requirements-build.txt
$(TEST_TOOLS): tests/requirements.txt tests/requirements-alone.txt
# Where the Python is gone, as after an upgrade of the system's, the marks of the parts mean nothing.
$(ALL_TOOLS): tests/constraints.txt $(if $(shell [ -x $(VENV)/bin/python ] && echo yes),,python-gone)
	@command -v $(PYTHON) > /dev/null || { echo '$(PYTHON) is missing. Install Python 3.11 or later (with venv), then type the same again.' >&2; exit 2; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2> /dev/null || { echo '$(PYTHON) is not Python 3.11 or later. Install one (with venv), then type the same again with PYTHON=python3.11' >&2; exit 2; }
	@PYTHONDONTWRITEBYTECODE=1 $(PYTHON) -m ops.venv $(patsubst .%,%,$(@F))

setup: $(if $(IS_RELEASE),$(OPS_TOOLS),$(ALL_TOOLS)) ## Make the whole virtual environment with the pinned tools (the other targets make the parts that they need).

demo: delivery-given cargo-given $(DEMO_TOOLS) ## Send every sample event through the function on this machine; no account needed. DELIVERY=queue: through a queue.
	@echo "==> build (minutes the first time, seconds later)"
	@cargo build --locked --bins
	@cargo build --locked --package local-tools
	@exec target/debug/local demo $(DELIVERY_OPTION)

dev: delivery-given cargo-given $(DEMO_TOOLS) ## Run function, services and page until Ctrl-C; takes changes at once. DELIVERY=queue, TRANSFORM=path, SETTINGS=file, KEY=1, PORT=9000, PAGE_PORT=9001.
	@cargo build --locked --bins
	@cargo build --locked --package local-tools
	@exec target/debug/local dev $(PORT_OPTION) $(if $(PAGE_PORT),--page-port="$$PAGE_PORT") \
		$(if $(CUSTOMERIO_PORT),--customerio-port="$$CUSTOMERIO_PORT") $(TRANSFORM_OPTION) $(SETTINGS_OPTION) \
		$(DELIVERY_OPTION) $(if $(filter-out 0,$(KEY)),--key)

send: event-given cargo-given ## Sign an event and post it to `make dev`, or with DODO_WEBHOOK_SECRET to URL=https://…: EVENT=name, path or -, or FILE=path.
	@cargo build --locked --quiet --package local-tools
	@target/debug/local send $(if $(URL),--url="$$URL") $(PORT_OPTION) -- $(GIVEN)

invoke: event-given cargo-given $(DEMO_TOOLS) ## Invoke `make dev` with `cargo lambda invoke` instead of HTTP: EVENT=payment.succeeded
	@cargo build --locked --quiet --package local-tools
	@target/debug/local invoke $(PORT_OPTION) -- $(GIVEN)

preview: event-given cargo-given ## Show the requests that an event becomes, without sending them: EVENT=name, path or -, TRANSFORM=path, INPUT=1; MAIL=receipt KEY=1: the mail.
	@cargo build --locked --quiet --package local-tools
	@target/debug/local preview $(TRANSFORM_OPTION) $(SETTINGS_OPTION) $(if $(filter-out 0,$(INPUT)),--input) $(if $(MAIL),--mail="$$MAIL" $(if $(filter-out 0,$(KEY)),--key)) -- $(GIVEN)

check: cargo-given ## Run TRANSFORM=path over all samples, also at the CPU share of a function of MEMORY=128 MB, and compare kept events (ACCEPT=1).
	@cargo build --locked --quiet --package local-tools
	@target/debug/local check $(TRANSFORM_OPTION) $(SETTINGS_OPTION) $(if $(MEMORY),--memory="$$MEMORY") $(if $(filter-out 0,$(ACCEPT)),--accept)

test: cargo-given $(ALL_TOOLS) lint template ops-tests unit ### Run all checks and tests.

lint: cargo-given $(TEST_TOOLS)
	@echo "==> format, lints, docs"
	@cargo fmt --all --check
	@cargo clippy --locked --workspace --all-targets -- -D warnings
	@RUSTDOCFLAGS='-D warnings' cargo doc --locked --workspace --no-deps --quiet
	@$(VENV)/bin/zizmor --offline --no-progress --quiet .github
	@if command -v cargo-deny > /dev/null; then cargo deny --log-level error check licenses bans sources; \
		else echo "    cargo-deny is not installed: licences, banned crates and sources are NOT checked here (CI checks them)."; fi

template: $(OPS_TOOLS)
	@echo "==> template"
	@$(SAM_ENV) $(SAM) validate --lint
	@! grep -nE "(Action|Resource): *['\"]?.*\*" template.yaml || { echo 'template.yaml: a policy has a wildcard' >&2; exit 1; }

ops-tests: $(ALL_TOOLS)
	@echo "==> tests of ops/"
	@$(VENV)/bin/python -m pytest -q --numprocesses auto tests/ops

# The release builds are for tests/budget.rs. Linking them is work for one core, so they run beside the tests' build.
unit: cargo-given $(ALL_TOOLS)
	@echo "==> build the tests, and the function as it is deployed, with and without JavaScript"
	@mkdir -p target
	@(cargo build --locked --release --bins --no-default-features && cargo build --locked --release --bins) > target/release.log 2>&1 & release=$$!; \
		trap 'kill $$release 2> /dev/null || true' EXIT; \
		cargo test --locked --workspace --no-run && { wait $$release || { cat target/release.log >&2; exit 1; }; }
	@echo "==> tests"
	@cargo test --locked --workspace

faults: cargo-given $(DEMO_TOOLS) ### Run the fault bench alone and print its report. FULL=1: the queue with bursts and backlogs of 100,000 (about half an hour).
	@$(call NUMBER,FULL,1)
	@cargo test --locked $(if $(filter-out 0,$(FULL)),--profile bench --test faults queue::,--test faults) -- --nocapture

hostile: cargo-given ### Run COUNT=10000 hostile handlers, SEED=7; SHARE=128: within the real limits at the CPU share of a function of 128 MB.
	@$(call NUMBER,COUNT,1000)
	@$(call NUMBER,SEED,7)
	@$(call NUMBER,SHARE,128)
	@cargo build --locked --bins
	@COUNT="$${COUNT-}" SEED="$${SEED-}" SHARE="$${SHARE-}" cargo test --locked --test hostile -- --nocapture

load: cargo-given $(DEMO_TOOLS) ### Send COUNT=100000 webhooks through one process. TRANSFORM=path. DELIVERY=queue: through both functions, and check each id; RATE=500, ENVIRONMENTS=2.
	@$(call NUMBER,COUNT,10000)
	@$(call NUMBER,RATE,500)
	@$(call NUMBER,ENVIRONMENTS,2)
	@cargo build --locked --release --bins
	@cargo build --locked --profile bench --package local-tools
	@exec target/release/local load target/release/dodo-customerio "$${COUNT:-100000}" $(TRANSFORM_OPTION) \
		$(if $(DELIVERY),--delivery="$$DELIVERY") $(if $(RATE),--rate="$$RATE") $(if $(ENVIRONMENTS),--environments="$$ENVIRONMENTS")

flood: cargo-given $(DEMO_TOOLS) ### Measure what requests cost that the function refuses, and what a flood of them costs at most.
	@cargo build --locked --release --bins
	@cargo build --locked --package local-tools
	@exec target/debug/local flood target/release/dodo-customerio

FUZZ_TARGET = $(or $(TARGET),webhook)

# cargo-fuzz needs a nightly compiler only for its flags; with RUSTC_BOOTSTRAP the stable one accepts them.
fuzz: cargo-given ### Fuzz headers, bodies and events (TARGET=webhook) or the redaction of messages (TARGET=redaction) for SECONDS=60.
	@$(call NUMBER,SECONDS,60)
	@case "$${TARGET:-webhook}" in webhook|redaction) ;; *) echo "TARGET must be webhook or redaction, not \"$$TARGET\"." >&2; exit 2;; esac
	@[ -x $(VENV)/bin/cargo-fuzz ] || { echo '==> cargo-fuzz (once)'; cargo install --locked --quiet --root $(VENV) cargo-fuzz; }
	@mkdir -p target/fuzz-corpus/$(FUZZ_TARGET)
	@RUSTC_BOOTSTRAP=1 $(VENV)/bin/cargo-fuzz fuzz run $(FUZZ_TARGET) --sanitizer none --target-dir target/fuzz \
		target/fuzz-corpus/$(FUZZ_TARGET) events -- -max_total_time=$(or $(SECONDS),60) -max_len=65536 -print_final_stats=1

# Each change is built and tested in a copy of the project, so without the virtual environment.
mutants: cargo-given ### Change the code in some fifty places, and name the changes that no test notices. SHARD=3/16: another sixteenth of all changes.
	@case "$${SHARD:-0/16}" in [0-9]*/[0-9]*) ;; *) echo "SHARD must be a part of all changes, such as 3/16, not \"$$SHARD\"." >&2; exit 2;; esac
	@[ -x $(VENV)/bin/cargo-mutants ] || { echo '==> cargo-mutants (once)'; cargo install --locked --quiet --root $(VENV) cargo-mutants; }
	@mkdir -p target
	@CARGO_PROFILE_TEST_DEBUG=0 CARGO_PROFILE_DEV_DEBUG=0 $(VENV)/bin/cargo-mutants mutants --config tests/mutants.toml --package dodo-customerio \
		--sharding round-robin --shard "$${SHARD:-0/16}" --timeout 60 --output target -- --locked

# The architecture is one of Lambda's two.
ARCH_GIVEN = case "$${ARCH:-arm64}" in arm64|x86_64) ;; *) echo "ARCH must be arm64 or x86_64, not \"$$ARCH\"." >&2; exit 2;; esac

build: cargo-given $(OPS_TOOLS) $(BUILD_TOOLS) ### Build the bootstrap that Lambda runs, without deploying it (ARCH=arm64 or x86_64).
	@$(ARCH_GIVEN)
	@$(SAM_ENV) PATH="$(abspath $(VENV)/bin):$$PATH" $(SAM) build $(if $(ARCH),--parameter-overrides Architecture=$(ARCH))

HOST_ARCH = $(if $(filter aarch64 arm64,$(shell uname -m)),arm64,x86_64)

validate: cargo-given $(DEMO_TOOLS) $(if $(PREBUILT),,$(OPS_TOOLS) $(BUILD_TOOLS)) ### Check the template, build the bootstrap and run it on every sample, as Lambda would. PREBUILT=folder: run a release's.
ifdef PREBUILT
	@rm -rf target/validate
	@set -- "$$PREBUILT"/*-$(HOST_ARCH).zip; \
		[ -f "$$1" ] || { echo "There is no zip for $(HOST_ARCH) in $$PREBUILT. Type: make validate PREBUILT=folder, with that of a release or target/package" >&2; exit 2; }; \
		$(VENV)/bin/python -m zipfile --extract "$$1" target/validate 2> /dev/null || { echo "$$1 is damaged. Download the release again, or type: make package" >&2; exit 2; }
	@chmod +x target/validate/bootstrap
else
	@$(SAM_ENV) $(SAM) validate --lint
	@$(MAKE) build ARCH=$(HOST_ARCH)
endif
	@cargo build --locked --quiet --package local-tools
	@exec target/debug/local load $(if $(PREBUILT),target/validate/bootstrap,.aws-sam/build/Function-Shared/bootstrap) $(words $(wildcard events/*.json))

# Only a deployment from source builds.
deploy: $(OPS_TOOLS) $(if $(PREBUILT)$(IS_RELEASE),,$(BUILD_TOOLS)) ## Deploy; asks little the first time. PARAMS="AlarmEmail=… SilenceHours=6", TRANSFORM=plans.js|.|none, ARCH=x86_64, PREBUILT=release, GUIDED=1, YES=1.
	@$(OPS) deploy

connect: $(OPS_TOOLS) ## Make the endpoint at Dodo for the stack, store its signing secret and enable it. RATE_LIMIT=10, EVENTS=payment.succeeded,…
	@$(OPS) connect

secret: $(OPS_TOOLS) ## Store credentials: typed without echo, or from the environment or standard input. ADD=1, DROP=1 for a rotation.
	@$(OPS) secret

doctor: $(OPS_TOOLS) ## Check AWS, stack, secret, Customer.io and function, and say how to fix what is wrong.
	@$(OPS) doctor

logs: $(OPS_TOOLS) ## Follow the log of the deployed function. SINCE=2h, FILTER=ERROR; ID=msg_… shows what became of one webhook.
	@$(OPS) logs

redrive: $(OPS_TOOLS) ## Move dead letters back into the queue, once what they were refused for is fixed (queue mode).
	@$(OPS) redrive

destroy: $(OPS_TOOLS) ## Delete the stack and everything in it, including the secret; says what is final, and asks.
	@$(OPS) destroy

backfill: cargo-given $(OPS_TOOLS) ## Bring the people of yesterday to Customer.io, from Dodo's lists. DRY_RUN=1 first; SINCE=, UNTIL=, EVENTS=1, EXCLUDE=file, YES=1.
	@echo "==> build (minutes the first time, seconds later)" >&2
	@cargo build --locked --quiet --profile bench --package backfill
	@exec $(OPS) backfill

package: cargo-given $(OPS_TOOLS) $(BUILD_TOOLS) ### Build a release for both architectures into target/package; the same commit gives the same bytes.
	@$(OPS) package

bench: cargo-given $(DEMO_TOOLS) ### Measure start, time, CPU, memory and size, compared with others (half an hour). SUITE=profiles|binaries, ROUNDS=15, ONLY=name, RECORD=1.
	@$(call NUMBER,ROUNDS,15)
	@$(call NUMBER,WEBHOOKS,100)
	@echo "==> the measuring side"
	@cargo build --locked --profile bench --bench lambda
	@SUITE="$${SUITE-}" ROUNDS="$${ROUNDS-}" WEBHOOKS="$${WEBHOOKS-}" ONLY="$${ONLY-}" BINARIES="$${BINARIES-}" RECORD="$${RECORD-}" \
		cargo bench --locked --quiet --bench lambda
	@[ -n '$(SUITE)$(ONLY)' ] || $(MAKE) bench-stages

bench-stages: cargo-given ### Count instructions and allocations of each stage, for payloads of 1 kB to 1 MB.
	@echo "==> instructions and allocations"
	@cargo bench --locked --quiet --profile release --bench instructions --bench allocations

bench-backfill: cargo-given ### Measure the backfill of a business with COUNT=1000000 payments: time, CPU, memory, requests. EVENTS=1: with history.
	@$(call NUMBER,COUNT,1000000)
	@cargo build --locked --profile bench --package backfill
	@cargo build --locked --profile bench --package local-tools
	@exec target/release/local backfill target/release/backfill "$${COUNT:-1000000}" $(if $(filter-out 0,$(EVENTS)),--events)

clean: ### Remove everything built or installed here.
	@rm -rf target .aws-sam $(VENV)
