#!/bin/bash
# Starts a server and ends it, so that java.sh keeps the classes that are loaded then.
set -e
home=/usr/share/elasticsearch
LAB_ARCHIVE=1 "$home/bin/elasticsearch" -E discovery.type=single-node -E network.host=127.0.0.1 \
  -E xpack.security.enabled=false > /tmp/start 2>&1 &
trap 'cat /tmp/start' ERR
# One that is ended before it answers would leave an archive, too, of what it had got to.
curl -s --fail --retry-connrefused --retry 120 --retry-delay 1 -o /dev/null http://127.0.0.1:9200/
kill %1
# What a program ends with that SIGTERM has ended.
wait %1 || [[ $? = 143 ]]
test -s /opt/lab/archives/server.jsa
test -s /opt/lab/archives/launcher.jsa
trap - ERR
rm -rf /tmp/* "$home"/data/* "$home"/logs/* "$home/config/elasticsearch.keystore"
