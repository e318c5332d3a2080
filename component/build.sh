#!/usr/bin/env bash
# Builds a component and prints the path of the finished .wasm: the only line on stdout.
# Everything else, cargo's output included, goes to stderr.
#
#   component/build.sh            the plugin
#   component/build.sh PACKAGE    another package of the workspace whose library is a component
#   component/build.sh ./FOLDER   a project of its own in that folder (an argument with a slash), as
#                                 `host-harness new` writes it, with its own settings of cargo
#
# The one thing that a machine may lack is Rust's standard library for wasm32-unknown-unknown.
# It is looked for in three ways, in this order; the line on stderr says which one is used:
#
#   installed   the Rust toolchain in use has it already
#   rustup      `rustup target add` fetches it, under a time limit: a blocked network can hang it
#   debian      Debian's own rustc and the library's source (packages rustc-web, rust-web-src, …):
#               cargo then builds the library itself, once, in about a minute
#
# Switches (environment variables):
#
#   COMPONENT_STD             auto (default), or one of the three names above: only that way is tried
#   COMPONENT_RUSTUP_SECONDS  time limit of the second way, default 120
#   CARGO_TARGET_DIR          as for cargo; the output goes to component/ below it
#
# Any number of processes may call this at once: they take turns, and a call that finds nothing to do
# takes a fraction of a second.
set -euo pipefail

package=${1:-github-workflow}
project= # the folder of a project of its own
profile=component
if [[ $package = */* ]]; then
    project=$(cd "$package" && pwd)
    package=$(sed -n 's/^name = "\(.*\)"$/\1/p' "$project/Cargo.toml" | head -n 1)
    profile=release
fi
artifact=${package//-/_}.wasm
target=wasm32-unknown-unknown
debian_packages=(rustc-web rust-web-src rust-web-llvm lld-22)
debian_rustc=/usr/bin/rustc
least_minor=95 # of Rust 1.x; the same number as `rust-version` in Cargo.toml

say() { printf 'component: %s\n' "$*" >&2; }
fail() {
    say "$*"
    exit 1
}

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
# A relative CARGO_TARGET_DIR counts from the workspace, wherever this was called from.
out=${CARGO_TARGET_DIR:-target}/component
[[ $out = /* ]] || out=$root/$out
# All such projects share a folder, so that what they depend on is compiled once.
[ -z "$project" ] || out=$out/projects
mkdir -p "$out"
# cargo reads .cargo/config.toml (the linker) from the directory that it is started in.
cd "${project:-$root}"

# Flags meant for the native build that called us (coverage, sanitizers, a lint wrapper) would break this one.
unset RUSTFLAGS CARGO_ENCODED_RUSTFLAGS CARGO_BUILD_TARGET RUSTC_WORKSPACE_WRAPPER

command -v cargo >/dev/null ||
    fail "cargo was not found: install Rust 1.$least_minor or newer from https://rustup.rs and try again"

# One builder at a time: two that install at once would trip over each other. The lock is closed for
# children (9>&-), lest something that outlives the build (a compiler cache's server) keep it.
if command -v flock >/dev/null; then
    exec 9>"$out/.lock"
    flock 9
else
    exec 9>/dev/null
fi

has_std() { # of the toolchain in use
    local sysroot
    sysroot=$("${RUSTC:-rustc}" --print sysroot 2>/dev/null) || return 1
    compgen -G "$sysroot/lib/rustlib/$target/lib/libstd-*.rlib" >/dev/null
}

limited() { # seconds, command…
    local seconds=$1
    shift
    if command -v timeout >/dev/null; then
        timeout --kill-after=5 "$seconds" "$@"
    else
        "$@"
    fi
}

minor() { # reads "rustc 1.96.0 …" or "1.96.0+dfsg1-1" and prints 96
    sed -n 's/^[^0-9]*1\.\([0-9][0-9]*\)\..*/\1/p' | head -n 1
}

build() { # target directory, further cargo arguments…
    local dir=$1
    shift
    cargo build --package "$package" --lib --profile "$profile" --target "$target" \
        --target-dir "$dir" "$@" >&2 9>&- ||
        fail "cargo could not build the component; its own messages are above"
    local wasm=$dir/$target/$profile/$artifact
    [ -s "$wasm" ] || fail "cargo finished without writing $wasm; is the library of the package $package a cdylib?"
    printf '%s\n' "$wasm"
}

# --- way 2 ------------------------------------------------------------------------------------------------

add_with_rustup() {
    local seconds=${COMPONENT_RUSTUP_SECONDS:-120} status=0
    if ! command -v rustup >/dev/null; then
        reason="rustup is not installed"
        return 1
    fi
    say "asking rustup for the $target standard library (at most $seconds s)"
    limited "$seconds" rustup target add "$target" >&2 9>&- </dev/null || status=$?
    if [ "$status" = 124 ] || [ "$status" = 137 ]; then
        reason="rustup had not finished after $seconds s"
    elif [ "$status" != 0 ]; then
        reason="rustup could not fetch it"
    elif ! has_std; then
        reason="rustup fetched it for another toolchain than the one in use"
    else
        return 0
    fi
    return 1
}

# --- way 3 ------------------------------------------------------------------------------------------------

# rust-web-llvm brings wasm-component-ld, lld-22 brings the wasm-ld that it calls.
debian_ready() {
    [ -x "$debian_rustc" ] || return 1
    [ "$("$debian_rustc" --version | minor)" -ge "$least_minor" ] || return 1
    local sysroot host
    sysroot=$("$debian_rustc" --print sysroot)
    host=$("$debian_rustc" -vV | sed -n 's/^host: //p')
    [ -f "$sysroot/lib/rustlib/src/rust/library/std/Cargo.toml" ] &&
        linker=$(first_of "$sysroot/lib/rustlib/$host/bin/wasm-component-ld" "$(command -v wasm-component-ld || true)") &&
        wasm_ld=$(first_of /usr/bin/wasm-ld-22 /usr/bin/wasm-ld)
}

first_of() { # prints the first argument that is an executable file
    local candidate
    for candidate in "$@"; do
        if [ -x "$candidate" ]; then
            printf '%s\n' "$candidate"
            return
        fi
    done
    return 1
}

install_debian() {
    local as_root=() offered
    if ! command -v apt-get >/dev/null; then
        reason="this is not Debian or Ubuntu"
        return 1
    fi
    if [ "$(id -u)" != 0 ]; then
        as_root=(sudo -n)
        if ! "${as_root[@]}" true 2>/dev/null; then
            reason="installing the Debian packages needs root"
            return 1
        fi
    fi
    say "installing ${debian_packages[*]}"
    # The list may be fresh enough even where refreshing it fails.
    limited 300 "${as_root[@]}" apt-get update -qq >&2 9>&- </dev/null || true
    offered=$(LC_ALL=C apt-cache policy rustc-web | sed -n 's/^ *Candidate: //p' | minor)
    if [ "${offered:-0}" -lt "$least_minor" ]; then
        reason="this system offers no rustc-web of version 1.$least_minor or newer"
        return 1
    fi
    if ! limited 900 "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
        apt-get install -y -qq --no-install-recommends "${debian_packages[@]}" >&2 9>&- </dev/null; then
        reason="apt-get could not install ${debian_packages[*]}"
        return 1
    fi
    debian_ready || { reason="the Debian packages are incomplete"; return 1; }
}

build_with_debian() {
    # -Zbuild-std is a nightly option; RUSTC_BOOTSTRAP makes a stable compiler accept it.
    RUSTC=$debian_rustc RUSTC_BOOTSTRAP=1 \
        CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER=$linker \
        CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUSTFLAGS="-Clink-arg=--wasm-ld-path=$wasm_ld" \
        build "$out/debian" -Zbuild-std=std,panic_abort
}

# --- the choice -------------------------------------------------------------------------------------------

way=${COMPONENT_STD:-auto}
reason= # why the way tried last did not work
linker= # found by debian_ready
wasm_ld=

case $way in
auto | installed | rustup | debian) ;;
*) fail "COMPONENT_STD is \"$way\"; it may be auto, installed, rustup or debian" ;;
esac

if [ "$way" = auto ] || [ "$way" = installed ]; then
    if has_std; then
        say "building; the toolchain in use has the $target standard library"
        build "$out"
        exit
    fi
    reason="the toolchain in use does not have it"
fi

# Where Debian's way has worked once, rustup is not made to time out again at every call.
if [ "$way" = auto ] && [ -f "$out/debian/worked" ] && debian_ready; then
    way=debian
fi

if [ "$way" = auto ] || [ "$way" = rustup ]; then
    if add_with_rustup; then
        say "building; rustup has added the $target standard library"
        build "$out"
        exit
    fi
    say "no $target standard library from rustup: $reason"
fi

if [ "$way" = auto ] || [ "$way" = debian ]; then
    if debian_ready || install_debian; then
        say "building with Debian's rustc and its library source (the first time takes about a minute longer)"
        build_with_debian
        touch "$out/debian/worked"
        exit
    fi
    say "no $target standard library from Debian's packages: $reason"
fi

fail "Rust's standard library for $target is missing ($reason): run \`rustup target add $target\` where the network allows it, or on Debian \`apt-get install ${debian_packages[*]}\` as root, and try again"
