#!/bin/sh
# The long versions of the runs that `npm test` has in short: about an hour. Ends with 1 if one of them fails.
set -u
status=0
run() {
  echo "== $*"
  env "$@" || status=1
}
run COHERENCE_SECONDS="${COHERENCE_SECONDS:-600}" FAULT_EVERY_MS=15000 node .build/test/integration/coherence.test.js
run ISOLATION_RESPONSES="${ISOLATION_RESPONSES:-1000000}" node .build/test/integration/isolation.test.js
run STALENESS_WRITES="${STALENESS_WRITES:-20000}" node .build/test/integration/staleness.test.js
run WIRE_MUTATIONS="${WIRE_MUTATIONS:-5000000}" node .build/test/integration/fast-path-parsers.test.js
run DESYNC_MUTATIONS="${DESYNC_MUTATIONS:-50000}" node .build/test/integration/desync.test.js
run RESTARTS="${RESTARTS:-20}" node .build/test/integration/rolling-restart.test.js
run HEAP_SECONDS="${HEAP_SECONDS:-600}" node .build/test/integration/process-limits.test.js
run U3_RUNS=2000 U4_WRITES=10000 node .build/test/integration/upstream-promises.test.js
run PAIRS=100000 node .build/test/integration/read-your-writes.test.js
run node .build/test/integration/slow-clients.test.js
run node .build/test/integration/redis-faults.test.js
run node .build/test/unit/upstream/lanes.test.js
run node .build/test/release/redis-connection.js
exit $status
