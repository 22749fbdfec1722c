#!/bin/sh
# The long versions of the runs that `npm test` has in short: an hour to an hour and a half on two cores. Ends with 1 if one
# of them fails. Those with many processes, or with bounds in milliseconds, are alone, one after another. The rest runs
# in three lanes at once: one keeps a core busy, one mostly waits, one reads on and on. `sh test/release.sh LANE` runs one
# of `alone`, `mutants`, `busy`, `waiting` and `soaking`. All is told in the order in which it stands here, each when it has ended.
set -u
# For the files that don't say how long they may take.
export TAP_TIMEOUT=600
status=0
logs=$(mktemp -d)
lanes=''
trap 'rm -rf "$logs"' EXIT
# What runs in the background hears nothing of an interrupt.
trap 'kill $lanes; exit 130' INT TERM

# On a terminal, what is under way; a log has each run whole, when it has ended.
step() { if [ -t 2 ]; then printf '… %s, %s\n' "$(date +%T)" "$*" >&2; fi; }

# A name, then what to run.
run() {
  name=$1
  shift
  step "$name begins"
  {
    echo "== $*"
    env "$@" &
    wait $!
    echo $? >"$logs/$name.code"
  } >"$logs/$name" 2>&1
  mv "$logs/$name.code" "$logs/$name.ended"
  step "$name has ended"
}

# Names, in the order in which they are told.
tell() {
  for name in "$@"; do
    until [ -e "$logs/$name.ended" ]; do sleep 1; done
    cat "$logs/$name"
    [ "$(cat "$logs/$name.ended")" -eq 0 ] || status=1
  done
}

alone() {
  run coherence COHERENCE_SECONDS="${COHERENCE_SECONDS:-600}" FAULT_EVERY_MS=15000 node .build/test/integration/coherence.test.js
  run deadlines U8_STRICT=1 node .build/test/integration/upstream-deadlines.test.js
  run bursts node .build/test/integration/redis-bursts.test.js
  run expiry U2_CLIENTS="${U2_CLIENTS:-1000}" node .build/test/integration/redis-expiry.test.js
  run noisy S11_SECONDS="${S11_SECONDS:-60}" node .build/test/integration/noisy-tenant.test.js
}

# In two lanes by itself. `node .build/test/mutants.js NAME` tries one guard.
mutants() {
  run mutants node .build/test/mutants.js
}

busy() {
  run isolation ISOLATION_RESPONSES="${ISOLATION_RESPONSES:-1000000}" node .build/test/integration/isolation.test.js
  run parsers WIRE_MUTATIONS="${WIRE_MUTATIONS:-5000000}" node .build/test/integration/fast-path-parsers.test.js
  run desync DESYNC_MUTATIONS="${DESYNC_MUTATIONS:-50000}" node .build/test/integration/desync.test.js
  run matrix MATRIX_READS="${MATRIX_READS:-200000}" node .build/test/integration/permission-matrix.test.js
  run writes PAIRS="${PAIRS:-100000}" node .build/test/integration/read-your-writes.test.js
  run revocation node .build/test/integration/revocation.test.js
  run lanes node .build/test/unit/upstream/lanes.test.js
}

waiting() {
  run staleness STALENESS_WRITES="${STALENESS_WRITES:-20000}" node .build/test/integration/staleness.test.js
  run restarts RESTARTS="${RESTARTS:-20}" RESTART_REQUESTS="${RESTART_REQUESTS:-40000}" RESTART_SLOW_MS="${RESTART_SLOW_MS:-3000}" node .build/test/integration/rolling-restart.test.js
  run limits HEAP_SECONDS="${HEAP_SECONDS:-600}" node .build/test/integration/process-limits.test.js
  run promises U3_RUNS="${U3_RUNS:-2000}" U4_WRITES="${U4_WRITES:-10000}" node .build/test/integration/upstream-promises.test.js
  run trouble F26_SECONDS="${F26_SECONDS:-60}" F31_REQUESTS="${F31_REQUESTS:-100000}" node .build/test/integration/upstream-trouble.test.js
  run slow node .build/test/integration/slow-clients.test.js
  run faults node .build/test/integration/redis-faults.test.js
  run processes node .build/test/integration/processes-coherence.test.js
  run connection node .build/test/release/redis-connection.js
}

soaking() {
  run plateau P2_ENTRIES="${P2_ENTRIES:-1000000}" P2_SOAK_MINUTES="${P2_SOAK_MINUTES:-30}" node .build/test/integration/memory-plateau.test.js
}

wanted=${1:-all}
is() { [ "$wanted" = all ] || [ "$wanted" = "$1" ]; }
start() {
  (
    trap 'kill $!; exit 130' TERM
    "$1"
  ) &
  lanes="$lanes $!"
}
if is alone; then
  start alone
  tell coherence deadlines bursts expiry noisy
fi
if is mutants; then
  start mutants
  tell mutants
fi
if is busy; then start busy; fi
if is waiting; then start waiting; fi
if is soaking; then start soaking; fi
if is busy; then tell isolation parsers desync matrix writes revocation lanes; fi
if is waiting; then tell staleness restarts limits promises trouble slow faults processes connection; fi
if is soaking; then tell plateau; fi
exit $status
