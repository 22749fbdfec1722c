#!/bin/sh
# Starts Redis for Layby: one user with the least rights that will do (docs/redis.md), one that may only ping, and
# nobody else. Redis takes no password from a file of its own, so the ACL file is written here, into memory,
# with the password's hash.
#
# PASSWORD_FILE, RUN_DIR and CONFIG_FILE say where things are; arguments go to redis-server.
set -eu
password_file=${PASSWORD_FILE:-/run/secrets/redis_password}
run_dir=${RUN_DIR:-/run/redis}
config_file=${CONFIG_FILE:-$(dirname "$0")/redis.conf}

password=$(cat "$password_file")
if [ -z "$password" ]; then
  echo "start.sh: the password's file is empty" >&2
  exit 78
fi
hash=$(printf %s "$password" | sha256sum | cut -d ' ' -f 1)
umask 077
cat >"$run_dir/users.acl" <<END
user default off
user health on nopass resetkeys resetchannels -@all +ping
user layby on #$hash resetkeys resetchannels ~layby:* &layby:* -@all +get +set +del +strlen +pttl +pexpire +time +hset +hdel +hvals +eval +evalsha +publish +subscribe +unsubscribe +ping +info +select
END
exec redis-server "$config_file" --aclfile "$run_dir/users.acl" "$@"
