#!/bin/bash
# Starts a server and ends it, so that java.sh keeps the classes that are loaded then.
set -e
home=/usr/share/elasticsearch
LAB_ARCHIVE=1 "$home/bin/elasticsearch" -E discovery.type=single-node -E network.host=127.0.0.1 \
  -E xpack.security.enabled=false > /tmp/start 2>&1 &
for ((tries = 0; tries < 120; tries++)); do
  if curl -s --fail -o /tmp/root http://127.0.0.1:9200/; then break; fi
  sleep 1
done
kill %1
wait %1 || true
cat /tmp/start
test -s /opt/lab/archives/server.jsa
test -s /opt/lab/archives/launcher.jsa
rm -rf /tmp/* "$home"/data/* "$home"/logs/* "$home/config/elasticsearch.keystore"
