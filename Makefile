# The two commands of a newcomer are `make demo` and `make test`; each works alone on a fresh clone.
# `make` or `make help` lists all of them.

SHELL := bash
.DEFAULT_GOAL := help
.PHONY: help demo test scenarios interop chaos bench instructions fuzz deny lint component ready

# The same number as `rust-version` in Cargo.toml. There is no rust-toolchain.toml on purpose: it would make rustup
# download one exact toolchain even where a newer one is installed, and fail where it cannot.
least_minor := 95
target_dir := $(or $(CARGO_TARGET_DIR),target)
host := $(target_dir)/debug/host-harness

# How long each fuzz target runs.
SECONDS := 300
fuzz_targets := $(sort $(notdir $(basename $(wildcard fuzz/fuzz_targets/*.rs))))
# An instance of our own goes first: .ci/run puts one there.
cargo_deny := $(firstword $(wildcard $(target_dir)/tools/bin/cargo-deny) cargo-deny)

help:
	@echo 'make demo       build everything and run actions through the real host against a simulated GitHub and Port'
	@echo '                ARGS="…" is handed to the demo, for example: make demo ARGS="--help"'
	@echo 'make test       run all tests; ARGS="…" is handed to cargo test, for example: make test ARGS="-p host-harness"'
	@echo 'make scenarios  play the scenarios of tests/scenarios (see docs/scenarios.md): ARGS="--filter rate_limit --trace"'
	@echo 'make interop    put judges that are not ours (official API descriptions, clients, payloads, other hosts and'
	@echo '                languages) in front of everything; ONLY=octokit for one of them; needs Python 3.10 and network'
	@echo 'make chaos      put the host under faults and kills and count: RUNS=2000 SEED=1; or'
	@echo '                ARGS="--every-transition", ARGS="--baseline"; ARGS="--help" names the rest'
	@echo 'make bench      measure what the host costs beside a native client and wasmtime alone, and what it holds (Linux);'
	@echo '                ARGS="--quick", ARGS="--only dispatch,delivery"'
	@echo 'make instructions   count the instructions of the hot paths and compare them with the last count; needs valgrind'
	@echo 'make fuzz       try invented input on every parser: SECONDS=300 for each target, TARGETS="webhook config" for'
	@echo '                some of them; needs cargo-fuzz, a nightly toolchain and a C++ compiler'
	@echo 'make deny       check what the workspace depends on: licences, sources, versions, known holes; needs cargo-deny'
	@echo 'make lint       check formatting, run clippy (also for the wasm target) and check the shell scripts'
	@echo 'make component  build the component only and print where it is'
	@echo
	@echo 'Needed: Rust 1.$(least_minor) or newer and a C compiler. The first build takes 5 to 10 minutes.'

# One sentence with a remedy for each thing that can be missing, before anything is built.
ready:
	@stop() { echo "$$*" >&2; exit 1; }; \
	rust='install Rust 1.$(least_minor) or newer from https://rustup.rs (or on Debian: apt-get install cargo-web rustc-web) and try again'; \
	command -v cargo >/dev/null || stop "cargo was not found: $$rust"; \
	version=$$($${RUSTC:-rustc} --version 2>/dev/null) || stop "rustc was not found or does not start: $$rust"; \
	minor=$$(sed -n 's/^rustc 1\.\([0-9]*\)\..*/\1/p' <<<"$$version"); \
	[ "$${minor:-0}" -ge $(least_minor) ] || stop "$$version is too old: run \`rustup update stable\`, or $$rust"; \
	work=$$(mktemp -d); trap 'rm -rf "$$work"' EXIT; \
	echo 'int main(void) { return 0; }' >"$$work/a.c"; \
	$${CC:-cc} -o "$$work/a" "$$work/a.c" 2>/dev/null || stop 'no working C compiler was found as cc: install one (Debian: apt-get install gcc libc6-dev; macOS: xcode-select --install) and try again'; \
	[ -d "$(target_dir)/debug/deps" ] || echo 'First build: 5 to 10 minutes on a small machine, because it compiles a WebAssembly compiler (wasmtime). Later builds take seconds.'

# What these commands build with is the same profile and the same set of features
# (--workspace), so that wasmtime is compiled once.
demo: ready
	@set -e; \
	path=$$(component/build.sh); \
	cargo build --workspace --bins; \
	"$(host)" demo --component "$$path" $(ARGS)

scenarios: ready
	@set -e; \
	path=$$(component/build.sh); \
	cargo build --workspace --bins; \
	"$(host)" test tests/scenarios --component "$$path" $(ARGS)

chaos: ready
	@set -e; \
	path=$$(component/build.sh); \
	cargo build --workspace --bins; \
	"$(host)" chaos --component "$$path" $(if $(RUNS),--runs $(RUNS)) $(if $(SEED),--seed $(SEED)) $(ARGS)

# As it is shipped: with all optimizations, for which everything is compiled once more.
bench: ready
	@set -e; \
	[ -d "$(target_dir)/release/deps" ] || echo 'First build: 10 minutes and more, because everything is compiled once more, with all optimizations.'; \
	path=$$(component/build.sh); \
	cargo build --workspace --bins --release; \
	"$(target_dir)/release/host-harness" bench --component "$$path" --json "$(target_dir)/bench.json" $(ARGS); \
	cargo bench --workspace --bench capacity

instructions: ready
	@set -e; \
	program=$$(cargo bench --workspace --bench instructions --no-run --message-format json 2>/dev/null | sed -n 's/.*"name":"instructions".*"executable":"\([^"]*\)".*/\1/p' | tail -n 1); \
	tests/instructions/count.sh "$$program" $(ARGS)

# Stops at the first finding. What it finds worth keeping is below fuzz/target/found; fuzz/README.md says how to keep it.
# No sanitizer: no unsafe code is built for the fuzzer (the component has an allocator of its own in its sandbox alone),
# and the checks panic.
fuzz: ready
	@set -e; stop() { echo "$$*" >&2; exit 1; }; \
	command -v cargo-fuzz >/dev/null || stop 'cargo-fuzz was not found: run `cargo install cargo-fuzz` and try again'; \
	cargo +nightly --version >/dev/null 2>&1 || stop 'no nightly toolchain was found: run `rustup toolchain install nightly` and try again'; \
	command -v $${CXX:-c++} >/dev/null || stop 'no C++ compiler was found as c++: install one (Debian: apt-get install g++) and try again'; \
	[ -d fuzz/target ] || echo 'First build: 10 minutes and more, because wasmtime is compiled once again for the fuzzer.'; \
	cargo +nightly fuzz build --sanitizer none; \
	[ ! -d /dev/shm ] || export TMPDIR=/dev/shm; \
	for target in $(or $(TARGETS),$(fuzz_targets)); do \
		mkdir -p "fuzz/target/found/$$target"; \
		echo "fuzz: $$target for $(SECONDS) s"; \
		cargo +nightly fuzz run --sanitizer none "$$target" "fuzz/target/found/$$target" "fuzz/corpus/$$target" "fuzz/seeds/$$target" -- \
			-max_total_time=$(SECONDS) -max_len=8192 -timeout=20 -rss_limit_mb=2048 -print_final_stats=1; \
	done; \
	echo 'fuzz: nothing was found'

# Offline but for the two things that have to be fetched: the sources in Cargo.lock, and the advisories, without which
# that part is left out, and said to be.
deny: ready
	@set -e; stop() { echo "$$*" >&2; exit 1; }; \
	"$(cargo_deny)" --version >/dev/null 2>&1 || stop 'cargo-deny was not found: run `cargo install --locked cargo-deny` and try again'; \
	cargo fetch --locked --quiet; \
	"$(cargo_deny)" --offline check bans licenses sources; \
	fetched=yes; timeout 120 "$(cargo_deny)" fetch db >/dev/null 2>&1 || fetched=no; \
	if [ $$fetched = yes ] || compgen -G "$${CARGO_HOME:-$$HOME/.cargo}/advisory-dbs/*/crates" >/dev/null; then \
		"$(cargo_deny)" check --disable-fetch advisories; \
	else \
		echo 'deny: advisories were NOT checked: their database could not be fetched from GitHub and is not on this machine'; \
	fi

test: ready
	@set -e -o pipefail; \
	component/build.sh >/dev/null; \
	cargo test --workspace --no-fail-fast $(ARGS) 2>&1 | awk -f tests/summary.awk

# Installs its own judges, at pinned versions, below target/ and tests/interop/.
interop: ready
	@set -e; \
	node=$$(tests/interop/setup.sh); \
	path=$$(component/build.sh); \
	cargo build --workspace --bins; \
	"$$node" tests/interop/run.mjs --host "$(host)" --component "$$path" $(if $(ONLY),--only $(ONLY))

lint: ready
	@set -e; stop() { echo "$$*" >&2; exit 1; }; \
	cargo fmt --version >/dev/null 2>&1 || stop 'rustfmt was not found: run `rustup component add rustfmt` (Debian: apt-get install rustfmt-web) and try again'; \
	cargo clippy --version >/dev/null 2>&1 || stop 'clippy was not found: run `rustup component add clippy` (Debian: apt-get install rust-web-clippy) and try again'; \
	for script in component/build.sh .ci/run tests/interop/setup.sh tests/instructions/count.sh; do bash -n $$script; done; \
	cargo fmt --all --check || stop 'some files are not formatted: run `cargo fmt --all`'; \
	component/build.sh >/dev/null; \
	cargo clippy --workspace --all-targets -- -D warnings; \
	if [ -d "$$($${RUSTC:-rustc} --print sysroot)/lib/rustlib/wasm32-unknown-unknown/lib" ]; then \
		cargo clippy --package github-workflow --package hostile-guests --lib --target wasm32-unknown-unknown --profile component --target-dir "$(target_dir)/component" -- -D warnings; \
	else \
		echo 'clippy for the wasm target is left out: this toolchain has no standard library for it'; \
	fi; \
	echo 'lint: nothing to complain about'

component: ready
	@component/build.sh
