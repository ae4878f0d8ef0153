#!/bin/sh
# Puts aioquic, the independent HTTP/3 client of tests/interop.rs, into target/venv (a virtual
# environment of Python 3.10 or newer). Does nothing if it is there already.
set -eu
cd "$(dirname "$0")/.."
version=1.7.2
python=target/venv/bin/python3
if [ -x "$python" ] && "$python" -c "
import importlib.metadata, sys
sys.exit(importlib.metadata.version('aioquic') != '$version')" 2>/dev/null; then
    exit 0
fi
echo "setup-test: installing aioquic into target/venv"
rm -rf target/venv
mkdir -p target
python3 -m venv target/venv || {
    echo "python3 with its venv module is needed (Debian: apt-get install python3-venv)" >&2
    exit 1
}
target/venv/bin/pip install --quiet --disable-pip-version-check "aioquic==$version"
