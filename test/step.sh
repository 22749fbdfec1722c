#!/bin/sh
# `sh test/step.sh TEXT`: says on a terminal what a long command is at. A log stays as it is.
if [ -t 2 ]; then printf '… %s\n' "$*" >&2; fi
