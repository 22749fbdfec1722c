#!/bin/sh
# Writes the secrets that compose.yaml names, 32 random bytes each; what is there already stays as it is.
#
#   sh deploy/make-secrets.sh [folder]      deploy/secrets, unless another is named
#
# The folder is yours alone. The files in it can be read by all, since a container's user has another id than you
# and compose mounts each file as it is.
set -eu
folder=${1:-$(dirname "$0")/secrets}
mkdir -p "$folder"
chmod 700 "$folder"
for name in redis_password layby_secret layby_name_secret layby_admin_token grafana_admin_password; do
  file=$folder/$name
  if [ -e "$file" ]; then
    echo "$name is there already"
    continue
  fi
  # For URLs too: no character that would have to be escaped.
  head -c 32 /dev/urandom | base64 | tr '+/' '-_' | tr -d '=\n' >"$file"
  chmod 444 "$file"
  echo "$name written"
done
