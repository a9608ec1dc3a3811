#!/bin/sh
# macOS: a double click in the Finder opens this in Terminal.
exec sh "$(dirname "$0")/run.sh" "$@"
