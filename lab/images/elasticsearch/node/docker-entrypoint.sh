#!/bin/bash
# Behaves like the official image's entrypoint; the server's own scripts read settings from the
# environment.
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
  # Writing a keystore needs a start of Java, so a copy for this password is kept with the data. Only this
  # user can read the copy.
  keystore=$home/config/elasticsearch.keystore
  server=("$home"/lib/elasticsearch-[0-9]*.jar)
  cached=$home/data/.lab-keystore-$(printf '%s %s' "$ELASTIC_PASSWORD" "${server[0]}" | sha256sum | cut -c1-16)
  if [[ -s $cached ]]; then
    cp "$cached" "$keystore"
  else
    # Only the first start of a cluster reads the password. Elasticsearch's tool derives the key of the
    # file three times: to create it, to open it and to write it again.
    if [[ -f $keystore ]]; then
      printf '%s' "$ELASTIC_PASSWORD" | "$home/bin/elasticsearch-keystore" add -x -f bootstrap.password
    else
      # shellcheck disable=SC2086
      printf '%s' "$ELASTIC_PASSWORD" \
        | "$home/jdk/bin/java" -Xmx64m -XX:+UseSerialGC $CLI_JAVA_OPTS \
            -cp "$home/modules/lab-compat/lab-compat.jar:$home/lib/*" lab.Keystore "$home/config"
    fi
    # Under a temporary name until it is complete: the container can be stopped at any moment.
    (umask 0077 && cp "$keystore" "$cached.$$" && mv "$cached.$$" "$cached") || true
  fi
  unset ELASTIC_PASSWORD
fi

if (($(ulimit -Hn) < 65535)); then export LD_PRELOAD=/opt/lab/libnofile.so; fi

exec "$home/bin/elasticsearch" "$@"
