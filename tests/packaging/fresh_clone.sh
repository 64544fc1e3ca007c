#!/usr/bin/env bash
# What a newcomer gets: HEAD cloned into an empty directory, nothing installed, nothing cached, nothing configured.
#
#   tests/packaging/fresh_clone.sh [PYTHON]      PYTHON: the interpreter to use, python3 by default
#
# Ends with "fresh clone: demo and tests passed, ...", or with the first command that failed; what it made is removed then.
set -euo pipefail

python="$(command -v "${1:-python3}")"
checkout="$(cd "$(dirname "$0")/../.." && pwd)"
place="$(mktemp -d "${TMPDIR:-/tmp}/tasker-fresh-XXXXXX")"
trap 'rm -rf "$place"' EXIT

git clone --quiet --no-local "$checkout" "$place/tasker"
mkdir "$place/home" "$place/pip-cache"

# How to reach the network is the machine's business and stays; all else that a user may have set goes.
network=()
for name in http_proxy https_proxy no_proxy HTTP_PROXY HTTPS_PROXY NO_PROXY SSL_CERT_FILE SSL_CERT_DIR \
            PIP_INDEX_URL PIP_EXTRA_INDEX_URL PIP_TRUSTED_HOST PIP_CERT PIP_DEFAULT_TIMEOUT NODE_EXTRA_CA_CERTS; do
    if [ -n "${!name:-}" ]; then network+=("$name=${!name}"); fi
done

# Rust's toolchain is the machine's, as Python is; what it has fetched before isn't.
path="$(dirname "$python"):/usr/local/bin:/usr/bin:/bin"
if command -v cargo >/dev/null; then
    path="$path:$(dirname "$(command -v cargo)")"
    network+=("RUSTUP_HOME=${RUSTUP_HOME:-$HOME/.rustup}")
fi

clean() {
    env -i PATH="$path" HOME="$place/home" LANG=C.UTF-8 \
        PIP_CACHE_DIR="$place/pip-cache" ${network[@]+"${network[@]}"} "$@"
}

cd "$place/tasker"
clean make demo PYTHON="$python"
clean make test PYTHON="$python"
clean .venv/bin/tasker init "$place/shop"
clean make --directory "$place/shop" demo test PYTHON="$python"
test -z "$(git status --porcelain)" || { echo "the run left files in the checkout:"; git status --short; exit 1; }
echo "fresh clone: demo and tests passed, of a new project as well"
