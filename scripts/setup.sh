#!/bin/sh
# Makes .venv: finds a Python that TFX supports on this machine, installs requirements.lock by hash, then the library
# `flightline`, then this project, editable. Called by the Makefile; does nothing where .venv is up to date.
#
# The library is the line of requirements.in that names it: a folder (-e ./flightline), a wheel or a version.
# FLIGHTLINE=PATH installs another folder or wheel instead.
set -euf

cd "$(dirname "$0")/.."

fail() {
    printf 'flightline: %s\n' "$@" >&2
    exit 2
}

glibc() {
    getconf GNU_LIBC_VERSION 2>/dev/null | cut -d' ' -f2
}

is_new_glibc() { # TFX 1.21's wheels need glibc 2.39 or newer
    version=$(glibc)
    [ "${version#*.}" -ge 39 ] 2>/dev/null
}

# Python 3.10 gets no security fixes any more: TFX 1.21 comes first wherever it can be installed. A .python-version in
# this folder, which pyenv and uv read too, names the only version to take.
versions=3.10
if is_new_glibc; then versions="3.13 3.12 3.11 3.10"; fi
if [ -f .python-version ]; then versions=$(cut -d. -f1,2 .python-version); fi

runs() { # the interpreter starts, is the version its name says, and can make an environment
    "$1" -c 'import sys, venv, ensurepip; sys.exit(sys.argv[1] != "%d.%d" % sys.version_info[:2])' "$2" 2>/dev/null
}

find_python() {
    for version in $versions; do
        set +f
        for python in "python$version" python3 "$HOME/.pyenv/versions/$version"*/bin/python; do
            if runs "$python" "$version"; then
                command -v "$python"
                return
            fi
        done
        set -f
    done
    newest=${versions%% *}
    fail "no suitable Python: TFX needs Python 3.10, or 3.11-3.13 where glibc is 2.39 or newer; looked for $versions." \
        "Get it with one of: pyenv install $newest; uv python install $newest --default; conda create -n tfx python=$newest."
}

check_compiler() { # pyfarmhash and dill are distributed as source only
    command -v c++ >/dev/null || command -v g++ >/dev/null ||
        fail "no C++ compiler: some of TFX's dependencies are built from source." "Get it with: apt-get install g++."
    include=$("$1" -c 'import sysconfig; print(sysconfig.get_paths()["include"])')
    [ -f "$include/Python.h" ] ||
        fail "Python's headers are missing ($include/Python.h)." \
            "Get them with: apt-get install python$("$1" -c 'import sys; print("%d.%d" % sys.version_info[:2])')-dev."
}

explain_choice() { # which TFX this interpreter gets, and why
    python_version=$("$1" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
    below='<'
    [ "$python_version" = 3.10 ] || below='>='
    tfx=$(sed -n "s/^tfx==\([0-9.]*\) ; python_full_version $below .*/\1/p" requirements.lock)
    reason="the newest TFX for glibc $(glibc)"
    if [ -f .python-version ]; then
        reason=".python-version asks for it"
    elif is_new_glibc && [ "$python_version" = 3.10 ]; then
        reason="no Python 3.11-3.13 was found, which TFX 1.21 needs"
    fi
    echo "TFX $tfx on Python $python_version: $reason"
}

library=${FLIGHTLINE:-$(sed -n '/^#/d; s/[[:space:]]*#.*//; /flightline/{p;q;}' requirements.in)}
[ -n "$library" ] || fail "requirements.in has no line for the library." "Add one: flightline==VERSION, or a wheel's path."
if [ -d "$library" ]; then library="-e $library"; fi

library_files() { # what decides whether the installed library is up to date; edits of an editable one need no set-up
    path=${library#-e }
    path=${path%%\[*}
    if [ -d "$path" ]; then
        cat "$path/pyproject.toml" "$path/setup.py"
    elif [ -f "$path" ]; then
        cat "$path"
    fi
}

stamp=.venv/.made-of
made_of=$({
    cat requirements.lock setup.py scripts/setup.sh
    echo "$library $versions"
    library_files
} | cksum)
if [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$made_of" ] && .venv/bin/python -c '' 2>/dev/null; then exit 0; fi

python=$(find_python)
check_compiler "$python"
explain_choice "$python"
echo "Setting up .venv (once; about 3 GB, half a minute from a near mirror)"

rm -rf .venv
"$python" -m venv .venv
# uv installs the lock several times faster than pip; it is in the lock itself, so its hash is checked as well.
sed -n '/^uv==/,/^ *# via/p' requirements.lock | grep -v '#' >.venv/uv.txt
.venv/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r .venv/uv.txt
# Compiled here: with PYTHONDONTWRITEBYTECODE set, every process would compile TFX anew, for 30 CPU seconds.
.venv/bin/uv pip sync --quiet --python .venv/bin/python --compile-bytecode --require-hashes requirements.lock
install="env -u FLIGHTLINE .venv/bin/uv pip install --quiet --python .venv/bin/python --no-deps --no-build-isolation"
case $library in
-e*) $install --editable "${library#-e }" ;;
*) $install "$library" ;;
esac
$install --editable .
printf '%s' "$made_of" >"$stamp"
