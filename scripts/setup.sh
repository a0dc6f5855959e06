#!/bin/sh
# Makes .venv from requirements.lock: finds a Python that TFX has wheels for, checks the compiler, installs by hash.
# Called by the Makefile; does nothing where .venv is up to date.
set -eu

cd "$(dirname "$0")/.."
wanted=$(cat .python-version)

fail() {
    printf 'flightline: %s\n' "$@" >&2
    exit 2
}

is_new_glibc() { # TFX 1.21's wheels need glibc 2.39 or newer
    version=$(getconf GNU_LIBC_VERSION 2>/dev/null | cut -d' ' -f2)
    [ "${version#*.}" -ge 39 ] 2>/dev/null
}

runs() { # the interpreter starts, is the version its name says, and can make an environment
    "$1" -c 'import sys, venv, ensurepip; sys.exit(sys.argv[1] != "%d.%d" % sys.version_info[:2])' "$2" 2>/dev/null
}

find_python() {
    versions=$wanted
    if is_new_glibc; then versions="$wanted 3.13 3.12 3.11"; fi
    for version in $versions; do
        for python in "python$version" python3 "$HOME/.pyenv/versions/$version"*/bin/python; do
            if runs "$python" "$version"; then
                command -v "$python"
                return
            fi
        done
    done
    fail "no suitable Python: TFX needs Python $wanted here, or 3.11-3.13 where glibc is 2.39 or newer." \
        "Get it with one of: pyenv install $wanted; uv python install $wanted --default; conda create -n tfx python=$wanted."
}

check_compiler() { # pyfarmhash and dill come as source only
    command -v c++ >/dev/null || command -v g++ >/dev/null ||
        fail "no C++ compiler: some of TFX's dependencies are built from source." "Get it with: apt-get install g++."
    include=$("$1" -c 'import sysconfig; print(sysconfig.get_paths()["include"])')
    [ -f "$include/Python.h" ] ||
        fail "Python's headers are missing ($include/Python.h)." \
            "Get them with: apt-get install python$("$1" -c 'import sys; print("%d.%d" % sys.version_info[:2])')-dev."
}

why() { # which TFX an interpreter gets, and why it is that one
    glibc=$(getconf GNU_LIBC_VERSION 2>/dev/null | cut -d' ' -f2)
    if [ "$("$1" -c 'import sys; print("%d.%d" % sys.version_info[:2])')" = "$wanted" ]; then
        tfx=$(sed -n 's/^tfx==\([0-9.]*\) ; python_version < .*/\1/p' requirements.in)
        reason="Python $wanted is here, which .python-version asks for"
    else
        tfx=$(sed -n 's/^tfx==\([0-9.]*\) ; python_version >= .*/\1/p' requirements.in)
        reason="there is no Python $wanted here, and glibc $glibc is 2.39 or newer"
    fi
    echo "TFX $tfx on $("$1" --version): $reason"
}

stamp=.venv/.made-of
made_of=$(cat requirements.lock setup.py scripts/setup.sh .python-version | cksum)
if [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$made_of" ] && .venv/bin/python -c '' 2>/dev/null; then exit 0; fi

python=$(find_python)
check_compiler "$python"
why "$python"
echo "Setting up .venv (once; about 3 GB, half a minute from a near mirror)"

rm -rf .venv
"$python" -m venv .venv
# uv installs the lock several times faster than pip; it is in the lock itself, so it is checked by hash as well.
sed -n '/^uv==/,/^ *# via/p' requirements.lock | grep -v '#' >.venv/uv.txt
.venv/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r .venv/uv.txt
# Compiled here: with PYTHONDONTWRITEBYTECODE set, every process would compile TFX anew, for 30 CPU seconds.
.venv/bin/uv pip sync --quiet --python .venv/bin/python --compile-bytecode --require-hashes requirements.lock
.venv/bin/uv pip install --quiet --python .venv/bin/python --no-deps --no-build-isolation --editable .
printf '%s' "$made_of" >"$stamp"
