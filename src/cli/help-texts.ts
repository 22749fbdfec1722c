/** What `--help` says beside the options. At most 80 columns; `docs/command-line.md` is made from it. */

export const EXIT_CODES = `
Exit codes:
  0   done (serve: after a drain)
  1   a fault, or the instance refused
  64  the command line is not understood
  69  the instance was not reached, or did not answer in time
  78  the configuration is bad, or lacks what the command needs`

export const ENVIRONMENT = `
Environment:
  LAYBY_CONFIG           a configuration file, over config/default.json
  LAYBY_<KEY>            any key of the configuration, over both files
  LAYBY_OPS_ADMIN_TOKEN  the token of the admin API; LAYBY_OPS_ADMIN_TOKEN_FILE
                         names a file that holds it. Never an argument: those
                         stay in histories and process lists
  LAYBY_OPS_HOST, LAYBY_OPS_PORT
                         where commands look for the instance without --url
  NO_COLOR               if set and not empty: no colours`

export const PROGRAM = `${ENVIRONMENT}
${EXIT_CODES}

Examples:
  $ LAYBY_UPSTREAM_URL=https://api.example.com layby serve
  $ layby check-config
  $ layby tenants
  $ layby purge --tenant 7 --customer 5
  $ layby top --url http://10.0.0.4:9003

Each command has a help of its own: layby help <command>`

export const SERVE = `
Without a command, layby serves. SIGTERM and SIGINT end it after a drain.

Examples:
  $ LAYBY_UPSTREAM_URL=https://api.example.com layby serve
  $ LAYBY_CONFIG=/etc/layby.json layby serve`

export const CHECK_CONFIG = `
Each key is printed with its value and where that is from: the defaults, the
file in LAYBY_CONFIG, or a variable. Secrets are not shown. The files that the
configuration names (certificates, secrets) are read as a start would read them,
and the two hosts are listened on for a moment, on a free port. Neither the API
nor Redis is asked.
A bad configuration is told in one line, with exit code 78.

Examples:
  $ layby check-config
  $ LAYBY_CONFIG=/etc/layby.json layby check-config --json | jq .warnings`

export const PURGE = `
What was purged is asked of the API again by whoever reads it next. Name one:
  --tenant 7 --customer 5   one customer
  --tenant 7 --all --yes    a whole tenant, at the cost of one record
  --credential <hash>       what was given to one credential, in all tenants
  --token-stdin             the same, by the token itself

Examples:
  $ layby purge --tenant 7 --customer 5
  $ layby purge --tenant 7 --all --yes
  $ layby purge --token-stdin < token-file`

export const EXPLAIN = `
Asks one instance, and changes nothing there. It is told first what the next
read would get, then what memory and Redis have, in the words of docs/sharing.md
(grant, admission, representation) and docs/coherence.md (fences).

The token is the one that the client sends. It goes to the instance in the body
of a request, is exchanged for its hash, and is neither stored nor logged.

Examples:
  $ layby explain --tenant 7 --customer 5 --version 2023/04/19 \\
      --token-stdin < token-file
  $ layby explain --tenant 7 --customer 5 --credential <hash> --json`

export const TENANTS = `
Counted by the one instance that is asked, since it began. The hit ratio is of
cached reads. Reasons are the words of Cache-Status: uri-miss (nothing that the
credential may read was there), stale (too old, or overtaken by a write),
request (the client asked for something fresher), reject.… (the answer may not
be stored), and others: see docs/cache-status.md.

Examples:
  $ layby tenants
  $ layby tenants --sort requests --top 50
  $ layby tenants --json | jq '.tenants[0].misses'`

export const TOP = `
The numbers are those of the dashboard and of the metrics: rates and counts of
the last ten seconds, or since the instance began with --once and where standard
output is no terminal. No token is needed. Times are UTC, as in the log.

  HIT RATIO    of the reads that the cache has a say in, and by tier
  REQUESTS     turned away: with 503, since the instance or a tenant had too
               much under way; failed: the API gave no valid answer
  LATENCY      from arrival to answer, by what became of the request
  UPSTREAM     calls to the API for the cache, and those that were saved
  STALE        copies past their freshness: swr while refreshed, sie since the
               API failed, max-stale as the client accepts it
  INVALIDATED  by what: writes, changes that were seen, other instances, purges

Examples:
  $ layby top
  $ layby top --url http://10.0.0.4:9003
  $ layby top --once`
