#!/usr/bin/env bash
# Sets up a Debian machine for this project. `cargo xtask` calls it; it also works by hand, as root.
#
#   setup.sh packages PURPOSE PACKAGE...   install packages, without starting their services
#   setup.sh keep-off SERVICE...           keep services from starting with the machine
#   setup.sh docker PURPOSE                install a Docker Engine, its CLI, and what they call
#   setup.sh base-image TARBALL            pack a small Debian, for machines that reach no registry
#   setup.sh engine-root SUITE FOLDER      install the Engines of another Debian suite into FOLDER
#   setup.sh browser PURPOSE               install a browser without windows
#   setup.sh wasm-build PACKAGE FOLDER     build a package of this workspace with Debian's Rust compiler, into FOLDER
set -euo pipefail

# The release that the base image holds, and where it comes from unless apt names another mirror.
suite=bookworm
default_mirror=http://deb.debian.org/debian

# What Docker's and Podman's Engines need in a root of their own.
engine_packages=docker.io,docker-cli,podman,runc,crun,catatonit,slirp4netns,netavark,aardvark-dns,iptables,nftables,iproute2,ca-certificates,kmod,mount,procps

# Debian's maintainer scripts ask this file before they start a service; 101 means no.
policy=/usr/sbin/policy-rc.d

temporary=$(mktemp --directory /var/tmp/da-setup-XXXXXXXX)
made_policy=
clean_up() {
    rm --recursive --force "$temporary"
    if [ -n "$made_policy" ]; then rm --force "$policy"; fi
}
trap clean_up EXIT
trap 'exit 143' INT TERM HUP

say() {
    printf '==> %s\n' "$*" >&2
}

fail() {
    printf '%s\n' "$*" >&2
    exit 1
}

# Runs a command, and shows its output only if it fails.
quietly() {
    "$@" >"$temporary/log" 2>&1 </dev/null || {
        tail --lines=40 "$temporary/log" >&2
        return 1
    }
}

# A new machine may still be installing its own updates.
apt_get() {
    DEBIAN_FRONTEND=noninteractive apt-get -q -y -o DPkg::Lock::Timeout=300 "$@"
}

packages() {
    local purpose=$1
    shift
    local by_hand="apt-get update && apt-get install --no-install-recommends $*"
    command -v apt-get >/dev/null ||
        fail "$purpose: install these Debian packages, or what your system calls them: $*"
    [ "$(id --user)" = 0 ] || fail "$purpose: packages are missing; as root: $by_hand"
    say "$purpose: installing $*"
    if [ ! -e "$policy" ]; then
        made_policy=yes
        printf '#!/bin/sh\nexit 101\n' >"$policy"
        chmod 755 "$policy"
    fi
    # The first try fails where the package lists are missing or old.
    quietly apt_get install --no-install-recommends "$@" 2>/dev/null ||
        { quietly apt_get update && quietly apt_get install --no-install-recommends "$@"; } ||
        fail "$purpose: packages could not be installed; try: $by_hand"
}

# Tests start these programs themselves. A package enables its service, which would then run from the next boot on.
keep_off() {
    local service
    for service in "$@"; do
        # The first handles both kinds of service, the second only one.
        if [ -e "/etc/init.d/$service" ]; then
            quietly update-rc.d "$service" disable
        elif [ -e "/lib/systemd/system/$service.service" ]; then
            quietly systemctl disable "$service.service"
        fi || fail "the service $service could not be disabled"
    done
}

docker() {
    local wanted=(docker.io iptables iproute2)
    # A package of its own since Debian 13.
    if apt-cache show --no-all-versions docker-cli >/dev/null 2>&1; then wanted+=(docker-cli); fi
    # Where the kernel confines containers with AppArmor, none starts without its parser.
    if [ "$(cat /sys/module/apparmor/parameters/enabled 2>/dev/null)" = Y ]; then wanted+=(apparmor); fi
    packages "$1" "${wanted[@]}"
}

browser() {
    # Ubuntu has its browsers elsewhere; its packages of these names only say where.
    apt-cache show --no-all-versions chromium-headless-shell >/dev/null 2>&1 ||
        fail "$1: install Chromium or Google Chrome, which no package of this system has"
    packages "$1" chromium-headless-shell
}

# The mirror that apt uses: the base image then comes from the same place as packages.
mirror() {
    local uri
    # shellcheck disable=SC2016 # The format is apt's, not the shell's.
    uri=$(apt-get indextargets --format '$(REPO_URI)' 'Label: Debian' "Codename: $suite" 2>/dev/null |
        head --lines=1)
    case $uri in
        http*) printf '%s\n' "$uri" ;;
        *) printf '%s\n' "$default_mirror" ;;
    esac
}

base_image() {
    local tarball=$1 from
    [ "$(id --user)" = 0 ] ||
        fail "a base image needs a registry, or root for debootstrap; as root: cargo xtask image"
    command -v debootstrap >/dev/null || packages "a base image without a registry" debootstrap
    from=$(mirror)
    say "base image: installing a small Debian from $from, which takes about a minute"
    mkdir "$temporary/tree"
    bootstrap "base image" "$suite" "$temporary/tree" "$from" ||
        fail "debootstrap failed; is $from reachable?"
    tar --create --file "$tarball.unfinished" --directory "$temporary/tree" \
        --exclude='./var/cache/apt/*' --exclude='./var/lib/apt/lists/*' --exclude='./var/log/*' \
        --exclude='./usr/share/doc/*' --exclude='./usr/share/man/*' .
    mv "$tarball.unfinished" "$tarball"
}

# debootstrap, with one line for each of its stages. The rest is shown only if it fails.
bootstrap() {
    local purpose=$1
    shift
    # In a mount namespace: debootstrap's mounts then go with it.
    unshare --mount debootstrap --variant=minbase "$@" </dev/null 2>&1 | tee "$temporary/log" | stages "$purpose" || {
        tail --lines=40 "$temporary/log" >&2
        return 1
    }
}

# It reads to the end in any case, since debootstrap would end at a closed pipe.
stages() {
    local purpose=$1 line stage said=
    while read -r line; do
        case $line in
            'I: Valid Release signature '*) stage='the release is signed by Debian' ;;
            'I: Retrieving '*Release* | 'I: Retrieving Packages'*) continue ;;
            'I: Retrieving '*) stage='downloading packages' ;;
            'I: Extracting '*) stage='extracting packages' ;;
            'I: Unpacking '*) stage='unpacking packages' ;;
            'I: Configuring '*) stage='configuring packages' ;;
            *) continue ;;
        esac
        # Debian configures in between; each stage prints a line only at its beginning.
        case $said in *"|$stage|"*) continue ;; esac
        said="$said|$stage|"
        say "$purpose: $stage"
    done
}

# The Engines of another suite, in a root of their own. Renamed last: half of one is then never used.
engine_root() {
    local release=$1 folder=$2 purpose from
    purpose="Engines of Debian $release"
    # One with other packages is of an earlier version of this script. A run that still uses
    # it fails once it is replaced.
    if [ "$(cat "$folder/packages" 2>/dev/null)" = "$engine_packages" ]; then return; fi
    [ "$(id --user)" = 0 ] || fail "$purpose: root is needed for debootstrap"
    # Only Debian itself has the keys on every machine.
    { command -v debootstrap && [ -e /usr/share/keyrings/debian-archive-keyring.gpg ]; } >/dev/null ||
        packages "$purpose" debootstrap debian-archive-keyring
    from=$(mirror)
    say "$purpose: installing them from $from, which takes about a minute"
    rm --recursive --force "$folder.unfinished"
    bootstrap "$purpose" --force-check-gpg --include="$engine_packages" "$release" "$folder.unfinished" "$from" || {
        rm --recursive --force "$folder.unfinished"
        fail "debootstrap failed; does $from have $release, and does /usr/share/keyrings have its key?"
    }
    rm --recursive --force "$folder.unfinished"/var/cache/apt/archives/*.deb "$folder.unfinished"/var/lib/apt/lists/*
    printf '%s\n' "$engine_packages" >"$folder.unfinished/packages"
    rm --recursive --force "$folder"
    mv "$folder.unfinished" "$folder"
    say "$purpose: installed in $folder"
}

wasm_compiler() {
    if [ -e /usr/lib/wasm32-wasi/libc.a ] && [ -e /usr/bin/cargo ] &&
        [ -e /usr/lib/rustlib/src/rust/library ]; then return; fi
    local wanted=(rustc-web cargo-web rust-web-src wasi-libc)
    dpkg --status "${wanted[@]}" >/dev/null 2>&1 ||
        packages "Debian's compiler" "${wanted[@]}"
}

wasm_build() {
    local package=$1 folder=$2 bin host
    wasm_compiler
    host=$(rustc -vV | sed -n 's/^host: //p')
    bin=$(rustc --print sysroot)/lib/rustlib/$host/bin
    [ -e "$bin/wasm-component-ld" ] || fail "$bin has no wasm-component-ld; a rustup toolchain has it"
    # The variables of rustup's Cargo lead back to its own compiler.
    unset RUSTUP_TOOLCHAIN CARGO RUSTC RUSTFLAGS CARGO_ENCODED_RUSTFLAGS
    # Debian's programs first, then the linkers for the target, which only rustup's compiler has.
    # Building the standard library counts as unstable, hence RUSTC_BOOTSTRAP.
    cd "$(dirname "$0")/.."
    PATH=/usr/bin:/bin:$bin:$bin/gcc-ld CARGO_TARGET_DIR=$folder RUSTC_BOOTSTRAP=1 \
        CARGO_TARGET_WASM32_WASIP2_RUSTFLAGS="-L /usr/lib/wasm32-wasi -C link-self-contained=no" \
        /usr/bin/cargo build -Zbuild-std=std,panic_abort --release --target wasm32-wasip2 --package "$package"
}

case ${1-} in
    packages | docker | browser) "$@" ;;
    engine-root) engine_root "$2" "$3" ;;
    keep-off)
        shift
        keep_off "$@"
        ;;
    base-image) base_image "$2" ;;
    wasm-build) wasm_build "$2" "$3" ;;
    *) sed -n '2,10s/^# \{0,1\}//p' "$0" ;;
esac
