# What a person types, and what CI calls.
#
#   make demo     builds from nothing and shows every published limit of six real providers under load, in four languages
#   make test     everything that must hold: Rust, Python, Node.js, C, models of concurrency, programs without std
#   make bench    speed beside the peers, in four languages, in one run (less than 20 minutes); TIDEGATE_BENCH_QUICK=1 only tries it
#   make verify   the long form of the tests
#   make no-std   the core run where there is neither std nor a 64-bit atomic: on a Cortex-M3 in QEMU, and in WebAssembly
#   make rot      links lead somewhere, unsafe is noted and counted, the workflows of hosted CI are in form: a minute at most
#   make rot-long the public API, the oldest compiler, all features, lowest versions, licences, documentation, examples of the pages, what `dist` makes
#   make sanitize the suites of Python and Node.js under the address sanitizer and valgrind, the core's threads under the thread sanitizer
#   make mutants  every mutant of the steps, the key table and the backoff against their tests: an hour at most
#   make dist     wheel, npm package and C archive of this system, in target/dist; `make test-dist` installs and uses each
#   make fmt lint clean
#
# Needs Rust (cargo), Python 3 with venv, Node.js with npm, a C and a C++ compiler. The rest is installed here, in this folder.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
VENV := .venv
BIN := $(if $(filter Windows_NT,$(OS)),Scripts,bin)
PY := $(VENV)/$(BIN)/python
TARGET := $(or $(CARGO_TARGET_DIR),$(CURDIR)/target)
QUESTIONS := $(TARGET)/questions
CHARTS := $(TARGET)/charts
SIMULATE = cargo run --release --quiet -p tidegate-policy --bin tidegate -- simulate

.PHONY: demo charts test bench verify fmt lint clean tools python node c test-rust test-features test-models test-proofs test-speed test-fuzz fuzz \
	no-std test-python test-node test-c questions bench-python bench-node package-python test-runtimes rot links unsafe lint-workflows \
	rot-long api api-record msrv features minimal deny advisories doc examples \
	sanitize sanitize-address sanitize-valgrind sanitize-threads dist dist-python dist-source dist-node dist-c test-dist mutants

demo: tools
	cargo run --release --quiet -p tidegate-policy --bin demo
	$(MAKE) --no-print-directory charts questions

# In two lanes, since little of it uses two cores: what the second one says is shown when both are done. The rest needs what they built.
FIRST := test-rust test-features test-proofs test-fuzz test-python test-node
SECOND := test-models test-speed test-c
test: tools links unsafe
	@mkdir -p $(TARGET); $(MAKE) --no-print-directory $(SECOND) > $(TARGET)/second-lane 2>&1 & second=$$!; \
	trap 'kill $$second 2> /dev/null || true' EXIT; \
	$(MAKE) --no-print-directory $(FIRST); \
	echo "Beside it: $(SECOND)"; held=0; wait $$second || held=$$?; cat $(TARGET)/second-lane; exit $$held
	@$(MAKE) --no-print-directory examples questions
	@echo "all tests passed"

# All six policies under loads that go beyond them, each drawn.
charts:
	@mkdir -p $(CHARTS)
	@$(SIMULATE) policies/mailiam.toml --plan free --endpoint "POST /v1/example.com/send" --rate 30/min --for 3h --shape poisson \
		--chart $(CHARTS)/mailiam.svg
	@$(SIMULATE) policies/mailpipe.toml --plan standard --endpoint "POST /v1/outbound/o1/send" --rate 2/s --for 2h --shape ramp \
		--chart $(CHARTS)/mailpipe.svg
	@$(SIMULATE) policies/mailtrap.toml --endpoint "GET /api/accounts/7/stats/domains" --burst 15@45s --for 10min \
		--chart $(CHARTS)/mailtrap.svg
	@$(SIMULATE) policies/migosmtp.toml --endpoint "POST /email/send" --rate 15/s --for 5min --wait 2s \
		--chart $(CHARTS)/migosmtp.svg
	@$(SIMULATE) policies/telnxo.toml --endpoint "POST /sms/send" --rate 15/s --burst 200@1min --for 5min \
		--chart $(CHARTS)/telnxo.svg
	@$(SIMULATE) policies/unosend.toml --plan free --endpoint "POST /emails" --rate 12/min --burst 30@20min --for 8h \
		--shape poisson --chart $(CHARTS)/unosend.svg
	@echo "charts: $(CHARTS)"

# One line for whatever is missing, before anything is built.
tools:
	@missing=; \
	for tool in cargo python3 node npm cc c++; do command -v $$tool >/dev/null || missing="$$missing $$tool"; done; \
	if command -v python3 >/dev/null && ! python3 -c 'import venv, ensurepip' 2>/dev/null; then missing="$$missing python3-venv"; fi; \
	if [ -n "$$missing" ]; then echo "missing:$$missing (needed: Rust, Python 3 with venv, Node.js with npm, a C and a C++ compiler)"; exit 1; fi

# --- Rust ---------------------------------------------------------------------------------------------------------------------

# With every feature of the core; `test-models` has the default ones.
test-rust:
	cargo test --workspace --exclude tidegate-python --exclude tidegate-node --exclude tidegate-benches \
		--features tidegate/serde,tidegate/tokio,tidegate/smol,tidegate/calendar

# Features only add: combinations of them compile without a warning; `make features` tries all there are.
test-features:
	for features in "" alloc std serde alloc,serde tokio smol calendar; do \
		RUSTFLAGS="-D warnings" cargo check --quiet -p tidegate --no-default-features --features "$$features" \
			--target-dir $(TARGET)/features; \
	done

# Every interleaving of small programs; then weak exchanges that fail for no reason, and the bugs that real threads must show.
test-models:
	RUSTFLAGS="--cfg tidegate_loom" cargo test --quiet --profile light -p tidegate --test 'loom*' --target-dir $(TARGET)/loom
	RUSTFLAGS="--cfg tidegate_spurious --cfg tidegate_seeded" cargo test --quiet -p tidegate --lib --tests \
		--target-dir $(TARGET)/spurious

test-proofs:
	proofs/promises.py --check-itself
	proofs/promises.py
	proofs/mutants.py --check-itself
	CARGO_TARGET_DIR=$(TARGET)/proofs proofs/run.sh

# The core on a microcontroller without 64-bit atomics and in WebAssembly, and what a limiter costs there: docs/embedded.md.
no-std:
	CARGO_TARGET_DIR=$(TARGET) proofs/no_std.py --check-itself
	CARGO_TARGET_DIR=$(TARGET) proofs/no_std.py

# Speed cannot rot unseen: no call takes more instructions than recorded. Says so where there is nothing to compare with.
test-speed:
	cargo test --quiet -p tidegate-benches --lib --bins
	CARGO_TARGET_DIR=$(TARGET) benches/instructions.sh --check
	CARGO_TARGET_DIR=$(TARGET) benches/instructions.sh --test

# The corpus and the regressions of every fuzz target, and mutants of them, on this compiler. About ten seconds a target.
test-fuzz:
	TIDEGATE_MUTANTS=80000 cargo test --quiet -p tidegate-fuzz-bodies

# libFuzzer, so many seconds a target.
FUZZ_SECONDS ?= 300
fuzz:
	CARGO_TARGET_DIR=$(TARGET) fuzz/run.sh $(FUZZ_SECONDS)

# --- The other languages ------------------------------------------------------------------------------------------------------

python: $(VENV)/installed

# Without optimization: sooner ready, and every overflow is caught.
$(VENV)/installed: $(wildcard bindings-python/src/*.rs bindings-python/python/tidegate/* bindings-python/*.toml) \
		$(wildcard bindings-python/requirements-dev.txt core/Cargo.toml core/src/*.rs core/src/*/*.rs) \
		$(wildcard policy/Cargo.toml policy/src/*.rs policy/src/*/*.rs)
	test -x $(PY) || python3 -m venv $(VENV)
	$(PY) -m pip install --quiet --disable-pip-version-check -r bindings-python/requirements-dev.txt
	CARGO_TARGET_DIR=$(TARGET) MATURIN_PEP517_ARGS="--profile dev" \
		$(PY) -m pip install --quiet --disable-pip-version-check --force-reinstall --no-deps ./bindings-python
	touch $@

# As for Python; `npm run build` alone optimizes.
node: bindings-node/node_modules/installed
	cd bindings-node && CARGO_TARGET_DIR=$(TARGET) npm run --silent build -- --profile=dev

bindings-node/node_modules/installed: bindings-node/package-lock.json
	cd bindings-node && npm ci --silent --no-audit --no-fund
	touch $@

c:
	CARGO_TARGET_DIR=$(TARGET) $(MAKE) --no-print-directory -C bindings-c questions

test-python: python
	$(PY) -m pytest -q -c bindings-python/pyproject.toml bindings-python/tests

test-node: node
	cd bindings-node && npm test --silent

test-c:
	CARGO_TARGET_DIR=$(TARGET) $(MAKE) --no-print-directory -C bindings-c test

# The same questions in four languages, one answer.
questions: tools python node c
	@mkdir -p $(QUESTIONS)
	@cargo run --quiet -p tidegate-policy --bin demo -- questions --ask > $(QUESTIONS)/asked
	@cargo run --quiet -p tidegate-policy --bin demo -- questions > $(QUESTIONS)/rust
	@$(PY) bindings-python/demo/questions.py < $(QUESTIONS)/asked > $(QUESTIONS)/python
	@node bindings-node/demo/questions.mjs < $(QUESTIONS)/asked > $(QUESTIONS)/node
	@CARGO_TARGET_DIR=$(TARGET) $(MAKE) --silent --no-print-directory -C bindings-c ask < $(QUESTIONS)/asked > $(QUESTIONS)/c
	@for language in python node c; do diff $(QUESTIONS)/rust $(QUESTIONS)/$$language || { echo "$$language differs"; exit 1; }; done
	@cat $(QUESTIONS)/rust
	@echo "The same $$(grep -vc '^#' $(QUESTIONS)/rust) answers from Rust, Python, Node.js and C."

# --- What rots unseen ---------------------------------------------------------------------------------------------------------

rot: links unsafe lint-workflows

links:
	proofs/links.py --check-itself
	proofs/links.py

unsafe:
	proofs/unsafe.py --check-itself
	proofs/unsafe.py

lint-workflows:
	test -x $(TARGET)/lint/$(BIN)/python || python3 -m venv $(TARGET)/lint
	$(TARGET)/lint/$(BIN)/python -m pip install --quiet --disable-pip-version-check -r proofs/requirements.txt
	$(TARGET)/lint/$(BIN)/python proofs/workflows.py --check-itself
	$(TARGET)/lint/$(BIN)/python proofs/workflows.py

rot-long: rot api msrv features minimal deny doc examples test-dist

TOOLS := $(TARGET)/tools
PUBLISHED := -p tidegate -p tidegate-policy

# Not optimized: sooner ready, and quick enough. Built in a folder of cargo's own, and gone afterwards.
$(TOOLS)/bin/cargo-%: proofs/tools.txt
	env -u CARGO_TARGET_DIR cargo install --quiet --debug --locked --root $(TOOLS) $$(grep '^cargo-$*@' $<)
	touch $@

# What is public is what docs/api/ says; a change of it is recorded, and the commit says why.
api: $(TOOLS)/bin/cargo-public-api
	PATH="$(TOOLS)/bin:$$PATH" CARGO_TARGET_DIR=$(TARGET)/api proofs/api.sh --check-itself
	PATH="$(TOOLS)/bin:$$PATH" CARGO_TARGET_DIR=$(TARGET)/api proofs/api.sh

api-record: $(TOOLS)/bin/cargo-public-api
	PATH="$(TOOLS)/bin:$$PATH" CARGO_TARGET_DIR=$(TARGET)/api proofs/api.sh --record

msrv:
	CARGO_TARGET_DIR=$(TARGET)/msrv proofs/msrv.py --check-itself
	CARGO_TARGET_DIR=$(TARGET)/msrv proofs/msrv.py

features: $(TOOLS)/bin/cargo-hack
	PATH="$(TOOLS)/bin:$$PATH" RUSTFLAGS="-D warnings" CARGO_TARGET_DIR=$(TARGET)/features cargo hack check --feature-powerset $(PUBLISHED)

minimal:
	CARGO_TARGET_DIR=$(TARGET) proofs/minimal.sh
	CARGO_TARGET_DIR=$(TARGET) proofs/minimal.sh --check-itself

deny: $(TOOLS)/bin/cargo-deny
	@sed 's/, "Unicode-3.0"//' deny.toml > $(TARGET)/stricter.toml
	@! $(TOOLS)/bin/cargo-deny --all-features check --config $(TARGET)/stricter.toml licenses 2> /dev/null || { echo "a licence passed"; exit 1; }
	$(TOOLS)/bin/cargo-deny --all-features check --hide-inclusion-graph licenses bans sources

# Fetches the database first. Where it cannot be had, it says so; hosted CI can.
advisories: $(TOOLS)/bin/cargo-deny
	@if $(TOOLS)/bin/cargo-deny fetch db; then $(TOOLS)/bin/cargo-deny --all-features check --disable-fetch --hide-inclusion-graph advisories; \
	elif [ -n "$${GITHUB_ACTIONS-}" ]; then exit 1; \
	else echo "skipped: the database of advisories cannot be fetched here"; fi

doc:
	RUSTDOCFLAGS="-D warnings" cargo doc --quiet --no-deps $(PUBLISHED) --all-features

# Every block of the pages for readers, in every language.
examples: python node
	CARGO_TARGET_DIR=$(TARGET) $(MAKE) --no-print-directory -C bindings-c lib
	CARGO_TARGET_DIR=$(TARGET) proofs/examples.py --check-itself $(PY)
	CARGO_TARGET_DIR=$(TARGET) proofs/examples.py $(PY)

# --- Longer, and by hand ------------------------------------------------------------------------------------------------------

bench: tools
	@CARGO_TARGET_DIR=$(TARGET) benches/run.sh

# What no test catches must stand in docs/mutants.md, with the reason.
mutants: $(TOOLS)/bin/cargo-mutants
	CARGO_TARGET_DIR=$(TARGET) proofs/mutants.py

# Python beside its peers; puts the table into bindings-python/README.md, and rows for the page of all benchmarks beside.
bench-python:
	test -x $(TARGET)/bench-python/bin/python || python3 -m venv $(TARGET)/bench-python
	$(TARGET)/bench-python/bin/python -m pip install --quiet --disable-pip-version-check -r bindings-python/bench/requirements.txt
	CARGO_TARGET_DIR=$(TARGET) $(TARGET)/bench-python/bin/python -m pip install --quiet --disable-pip-version-check \
		--force-reinstall --no-deps ./bindings-python
	$(TARGET)/bench-python/bin/python bindings-python/bench/compare.py --readme bindings-python/README.md \
		--json $(TARGET)/python-peers.json

# Node.js beside its peers, which are installed in a folder of their own.
bench-node: bindings-node/node_modules/installed
	cd bindings-node && CARGO_TARGET_DIR=$(TARGET) node bench/peers.mjs --json $(TARGET)/node-peers.json

# Memory and threads, watched; each skips, and says so, what cannot be asked here. C has its own in `make test-c`.
sanitize: sanitize-address sanitize-valgrind sanitize-threads

sanitize-address sanitize-valgrind: python bindings-node/node_modules/installed
	CARGO_TARGET_DIR=$(TARGET) PYTHON=$(CURDIR)/$(PY) proofs/sanitize.sh $(@:sanitize-%=%)

sanitize-threads:
	CARGO_TARGET_DIR=$(TARGET) proofs/sanitize.sh threads

# The source distribution, built, installed and used without this repository.
package-python: python
	CARGO_TARGET_DIR=$(TARGET) bindings-python/scripts/package.sh $(PY)

# Node.js 24, Bun and Deno.
test-runtimes: node
	cd bindings-node && npm run --silent test:runtimes

# A table of claims, methods, sizes and results; within an hour on two cores. `proofs/verify.py --write` puts it into docs/verified.md.
verify: tools
	CARGO_TARGET_DIR=$(TARGET) FUZZ_SECONDS=$(FUZZ_SECONDS) proofs/verify.py

# --- A release ----------------------------------------------------------------------------------------------------------------

DIST := $(TARGET)/dist
DIST_PY := $(TARGET)/dist-venv/$(BIN)/python
VERSION = $(shell sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -n 1)
SYSTEM = $(shell node -p 'process.platform + "-" + process.arch')

dist: dist-python dist-node dist-c

$(TARGET)/dist-venv/installed: bindings-python/requirements-dev.txt
	test -x $(DIST_PY) || python3 -m venv $(TARGET)/dist-venv
	$(DIST_PY) -m pip install --quiet --disable-pip-version-check "$$(grep '^maturin==' $<)"
	touch $@

dist-python: $(TARGET)/dist-venv/installed
	cd bindings-python && CARGO_TARGET_DIR=$(TARGET) $(DIST_PY) -m maturin build --release --out $(DIST)

dist-source: $(TARGET)/dist-venv/installed
	cd bindings-python && $(DIST_PY) -m maturin sdist --out $(DIST)

# The package with the addon of this system in it. Links to the licences would not be packed.
dist-node:
	@mkdir -p $(DIST)
	cd bindings-node && CARGO_TARGET_DIR=$(TARGET) npm run --silent build
	cp LICENSE-APACHE LICENSE-MIT bindings-node
	cd bindings-node && trap 'rm LICENSE-APACHE LICENSE-MIT' EXIT && npm pack --silent --pack-destination $(DIST)
	mv $(DIST)/tidegate-$(VERSION).tgz $(DIST)/tidegate-$(VERSION)-$(SYSTEM).tgz

# For /usr/local; unpacked there or, with pkg-config's or CMake's own means, anywhere else.
dist-c: NAME = libtidegate-$(VERSION)-$(SYSTEM)
dist-c:
	@mkdir -p $(DIST)
	rm -rf $(TARGET)/dist-c
	CARGO_TARGET_DIR=$(TARGET) $(MAKE) --no-print-directory -C bindings-c install DESTDIR=$(TARGET)/dist-c/$(NAME)
	cp LICENSE-APACHE LICENSE-MIT $(TARGET)/dist-c/$(NAME)
	tar -C $(TARGET)/dist-c -czf $(DIST)/$(NAME).tar.gz $(NAME)

# Installed and used, each in a place of its own.
test-dist: $(if $(filter Windows_NT,$(OS)),dist-python dist-node,dist)
	proofs/dist.sh $(DIST)

fmt:
	cargo fmt --all

lint:
	cargo fmt --all --check
	cargo clippy --workspace --all-targets -- -D warnings

clean:
	rm -rf target $(VENV) bindings-node/node_modules bindings-node/*/node_modules
