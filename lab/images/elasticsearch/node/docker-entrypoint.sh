#!/bin/bash
# Follows the contract of the official image's entrypoint; settings from the environment are
# handled by the server's own scripts.
set -e
umask 0002
home=/usr/share/elasticsearch

case "${1:-eswrapper}" in
  eswrapper | elasticsearch | */elasticsearch) shift || true ;;
  -*) ;;
  *) exec "$@" ;;
esac

source "$home/bin/elasticsearch-env-from-file"

if [[ -n "$ELASTIC_PASSWORD" ]]; then
  [[ -f $home/config/elasticsearch.keystore ]] || "$home/bin/elasticsearch-keystore" create
  # Only the first start of a cluster reads it, and each look costs a start of Java.
  printf '%s' "$ELASTIC_PASSWORD" | "$home/bin/elasticsearch-keystore" add -x -f bootstrap.password
  unset ELASTIC_PASSWORD
fi

if (($(ulimit -Hn) < 65535)); then export LD_PRELOAD=/opt/lab/libnofile.so; fi

exec "$home/bin/elasticsearch" "$@"
