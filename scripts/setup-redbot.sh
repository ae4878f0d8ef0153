#!/bin/sh
# Puts redbot, which judges replies by the HTTP RFCs (tests/redbot), into target/redbot (a virtual
# environment of Python 3.10 or newer). Does nothing if it is there already.
set -eu
cd "$(dirname "$0")/.."
# What it finds depends on these four as well.
packages='redbot==2.7.1 httplint==2026.10.4 http-sf==1.5.0 sniffpy==1.0.0 thor==0.17.0'
python=target/redbot/bin/python3
if [ -x "$python" ] && "$python" -c "
import importlib.metadata, sys
wanted = (name.split('==') for name in '$packages'.split())
sys.exit(any(importlib.metadata.version(name) != version for name, version in wanted))" 2>/dev/null
then
    exit 0
fi
echo "setup-test: installing redbot into target/redbot"
rm -rf target/redbot
mkdir -p target
python3 -m venv target/redbot || {
    echo "python3 with its venv module is needed (Debian: apt-get install python3-venv)" >&2
    exit 1
}
# shellcheck disable=SC2086 # a list of packages
target/redbot/bin/pip install --quiet --disable-pip-version-check $packages
