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
  # Writing it takes a start of Java. One that was written for the same password lies with the data,
  # readable for nobody else.
  keystore=$home/config/elasticsearch.keystore
  server=("$home"/lib/elasticsearch-[0-9]*.jar)
  written=$home/data/.lab-keystore-$(printf '%s %s' "$ELASTIC_PASSWORD" "${server[0]}" | sha256sum | cut -c1-16)
  if [[ -s $written ]]; then
    cp "$written" "$keystore"
  else
    # Only the first start of a cluster reads the password. Elasticsearch's own tool would derive the key
    # of the file three times, to create it, to open it and to write it again.
    if [[ -f $keystore ]]; then
      printf '%s' "$ELASTIC_PASSWORD" | "$home/bin/elasticsearch-keystore" add -x -f bootstrap.password
    else
      # shellcheck disable=SC2086
      printf '%s' "$ELASTIC_PASSWORD" \
        | "$home/jdk/bin/java" -Xmx64m -XX:+UseSerialGC $CLI_JAVA_OPTS \
            -cp "$home/modules/lab-compat/lab-compat.jar:$home/lib/*" lab.Keystore "$home/config"
    fi
    # Under another name until it is whole: the start may be ended any moment.
    (umask 0077 && cp "$keystore" "$written.$$" && mv "$written.$$" "$written") || true
  fi
  unset ELASTIC_PASSWORD
fi

if (($(ulimit -Hn) < 65535)); then export LD_PRELOAD=/opt/lab/libnofile.so; fi

exec "$home/bin/elasticsearch" "$@"
