#!/bin/sh
# The long versions of the runs that `npm test` has in short: about half an hour. Ends with 1 if one of them fails.
set -u
status=0
run() {
  echo "== $*"
  env "$@" || status=1
}
run COHERENCE_SECONDS="${COHERENCE_SECONDS:-600}" FAULT_EVERY_MS=15000 node .build/test/integration/coherence.test.js
run ISOLATION_RESPONSES="${ISOLATION_RESPONSES:-1000000}" node .build/test/integration/isolation.test.js
run STALENESS_WRITES="${STALENESS_WRITES:-20000}" node .build/test/integration/staleness.test.js
run node .build/test/release/redis-connection.js
exit $status
