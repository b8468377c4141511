#!/bin/bash
# Starts and stops a server, so that java.sh writes the archives of the loaded classes.
set -e
home=/usr/share/elasticsearch
LAB_ARCHIVE=1 "$home/bin/elasticsearch" -E discovery.type=single-node -E network.host=127.0.0.1 \
  -E xpack.security.enabled=false > /tmp/start 2>&1 &
trap 'cat /tmp/start' ERR
# Wait for the server: if it stops earlier, the archive lacks classes.
curl -s --fail --retry-connrefused --retry 120 --retry-delay 1 -o /dev/null http://127.0.0.1:9200/
kill %1
# 143 is the exit code after SIGTERM.
wait %1 || [[ $? = 143 ]]
test -s /opt/lab/archives/server.jsa
test -s /opt/lab/archives/launcher.jsa
trap - ERR
rm -rf /tmp/* "$home"/data/* "$home"/logs/* "$home/config/elasticsearch.keystore"
