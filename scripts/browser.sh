#!/bin/sh
# Installs the headless browser in which tests/integration opens reports; without one those tests are skipped.
set -eu

for name in chromium chromium-browser google-chrome google-chrome-stable chrome; do
    if command -v "$name" >/dev/null; then exit 0; fi
done

if command -v apt-get >/dev/null && [ "$(id -u)" = 0 ]; then
    apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium >/dev/null && exit 0
fi
echo "browser.sh: no Chromium here and no way to install it; the tests in a browser will be skipped." >&2
echo "Get it with: apt-get install chromium (as root)." >&2
