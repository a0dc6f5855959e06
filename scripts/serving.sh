#!/bin/sh
# Makes .venv-serving from the library's flightline/serving/requirements.lock: MLServer and TensorFlow, without TFX, with
# which they conflict. Called by the Makefile after scripts/setup.sh; does nothing where .venv-serving is up to date.
# Exits with 75 where it cannot be made on this machine.
set -eu

cd "$(dirname "$0")/.."
home=.venv-serving
stamp=$home/.made-of
lock=$(.venv/bin/python -c '
from importlib.util import find_spec
[folder] = find_spec("flightline").submodule_search_locations
print(folder + "/serving/requirements.lock")')
made_of=$(cat "$lock" scripts/serving.sh | cksum)
if [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$made_of" ] && $home/bin/python -c '' 2>/dev/null; then exit 0; fi

runs() { # the interpreter starts, and is the version its name says
    "$1" -c 'import sys, venv; sys.exit(sys.argv[1] != "%d.%d" % sys.version_info[:2])' "$2" 2>/dev/null
}

python=
for version in 3.10 3.12 3.11; do # the versions that MLServer 1.7 supports
    for candidate in "python$version" "$HOME/.pyenv/versions/$version"*/bin/python python3 .venv/bin/python; do
        if [ -z "$python" ] && runs "$candidate" "$version"; then python=$candidate; fi
    done
done
if [ -z "$python" ]; then
    echo "flightline: no Python for the model server: MLServer needs 3.10, 3.11 or 3.12." >&2
    echo "Get one with: pyenv install 3.12; uv python install 3.12 --default; apt-get install python3.12-venv." >&2
    exit 75
fi

echo "Setting up $home with $("$python" --version) (once; about 2 GB)"
rm -rf $home
"$python" -m venv --without-pip $home
.venv/bin/uv pip sync --quiet --python $home/bin/python --compile-bytecode --require-hashes "$lock"
printf '%s' "$made_of" >"$stamp"
