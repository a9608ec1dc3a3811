#!/usr/bin/env sh
# Linux: a double click (or ./run.sh) makes the environment on first start, then opens the page.
cd "$(dirname "$0")" || exit 1
if [ ! -f .venv/.runtime ]; then
  echo "First start: installing the packages. This takes some minutes and the network, once."
  python3 -m venv .venv && .venv/bin/python -m pip install -q -r requirements.txt -c constraints.txt && touch .venv/.runtime || {
    echo "The packages could not be installed. Python 3.11 or newer and the network are needed for the first start."
    exit 1
  }
fi
exec .venv/bin/python app.py "$@"
