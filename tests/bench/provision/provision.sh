#!/usr/bin/env bash
# Builds the platform with plain shell over parallel ssh, as one would write it only for these hosts.
# The bench compares site.yml with it. It does the same steps as site.yml, but only on bare hosts: no
# second run, no check mode, and no help when a step fails.
#
#   provision.sh WORKDIR HOSTS    HOSTS has a line "NAME ADDRESS manager|worker" for each host
#
# From the environment: SSH_USER, SSH_KEY, KNOWN_HOSTS, REGISTRY, VERSION.
set -euo pipefail

work=$1
hosts_file=$2
mkdir -p "$work/ssh" "$work/certs"
cd "$work"
umask 077

names=() managers=() workers=()
declare -A address
while read -r name ip role; do
  names+=("$name")
  address[$name]=$ip
  if [ "$role" = manager ]; then managers+=("$name"); else workers+=("$name"); fi
done < "$hosts_file"
first=${managers[0]}
logstash=("${names[@]:0:2}")
step_start=${EPOCHREALTIME/./}

ssh_options=(-i "$SSH_KEY" -o "UserKnownHostsFile=$KNOWN_HOSTS" -o IdentitiesOnly=yes -o LogLevel=ERROR
  -o ControlMaster=auto -o "ControlPath=$work/ssh/%C" -o ControlPersist=60s)

# on HOST SCRIPT: run a script as root; it gets the input of this function
on() {
  ssh "${ssh_options[@]}" "$SSH_USER@${address[$1]}" "sudo bash -euo pipefail -c $(printf %q "$2")"
}

# everywhere FUNCTION HOST...: run it for all hosts at once and wait; fails if one has failed
everywhere() {
  local function=$1 pids=() pid failed=0
  shift
  for host in "$@"; do "$function" "$host" & pids+=($!); done
  for pid in "${pids[@]}"; do wait "$pid" || failed=1; done
  return $failed
}

# until_true SECONDS COMMAND...: every half second
until_true() {
  local end=$((SECONDS + $1))
  shift
  until "$@"; do
    [ $SECONDS -lt $end ] || { echo "gave up waiting for: $*" >&2; return 1; }
    sleep 0.5
  done
}

done_with() {
  local now=${EPOCHREALTIME/./}
  echo "STEP $1 $(((now - step_start) / 1000))"
  step_start=$now
}

password() { head -c 300 /dev/urandom | LC_ALL=C tr -dc 'A-Za-z0-9' | head -c "$1"; }

# --- hosts -----------------------------------------------------------------------------------------

prepare() {
  # Insecure is the registry of the lab only: it has no TLS on this port.
  on "$1" "
    printf 'vm.max_map_count = 262144\nnet.ipv4.tcp_retries2 = 5\n' > /etc/sysctl.d/90-elk.conf
    sysctl -q -p /etc/sysctl.d/90-elk.conf
    mkdir -p /etc/docker
    cat > /etc/docker/daemon.json <<'JSON'
{
  \"exec-opts\": [\"native.cgroupdriver=cgroupfs\"],
  \"insecure-registries\": [\"${REGISTRY%%/*}\"],
  \"log-driver\": \"local\",
  \"log-opts\": {\"max-file\": \"5\", \"max-size\": \"20m\"},
  \"storage-driver\": \"overlay2\"
}
JSON
    export DEBIAN_FRONTEND=noninteractive
    apt-get -qq update
    apt-get -qq -y --no-install-recommends install docker.io docker-cli containerd runc ca-certificates iptables >/dev/null
    apt-mark -qq hold docker.io docker-cli containerd runc >/dev/null
    systemctl enable --now --quiet docker"
}
everywhere prepare "${names[@]}"
done_with hosts

# --- one swarm, its network, directories and certificates -------------------------------------------

on "$first" "docker swarm init --advertise-addr ${address[$first]} >/dev/null"
manager_token=$(on "$first" 'docker swarm join-token -q manager')
worker_token=$(on "$first" 'docker swarm join-token -q worker')
for host in "${managers[@]:1}"; do
  on "$host" "docker swarm join --token $manager_token --advertise-addr ${address[$host]} ${address[$first]}:2377 >/dev/null"
done
join() { on "$1" "docker swarm join --token $worker_token --advertise-addr ${address[$1]} ${address[$first]}:2377 >/dev/null"; }
if [ ${#workers[@]} -gt 0 ]; then everywhere join "${workers[@]}"; fi
labels=''
for host in "${names[@]}"; do labels+="docker node update --label-add elk.es=1 $host >/dev/null; "; done
for host in "${logstash[@]}"; do labels+="docker node update --label-add elk.logstash=true $host >/dev/null; "; done
on "$first" "$labels docker network create --driver overlay --attachable elknet >/dev/null"
done_with swarm

openssl ecparam -name prime256v1 -genkey -noout -out ca.key
openssl req -new -x509 -key ca.key -sha256 -days 3650 -subj '/CN=elk CA' -out ca.crt \
  -addext 'keyUsage=critical,keyCertSign,cRLSign' 2>/dev/null
certificate() {
  openssl ecparam -name prime256v1 -genkey -noout | openssl pkcs8 -topk8 -nocrypt -out "certs/$1.key"
  openssl req -new -key "certs/$1.key" -subj "/CN=$1" -out "certs/$1.csr"
  openssl x509 -req -in "certs/$1.csr" -CA ca.crt -CAkey ca.key -set_serial "0x$(openssl rand -hex 16)" \
    -days 730 -sha256 -out "certs/$1.crt" 2>/dev/null -extfile <(printf '%s\n' \
    'keyUsage=critical,digitalSignature' 'extendedKeyUsage=serverAuth,clientAuth' "subjectAltName=$2")
}
kibana_names='DNS:kibana,DNS:localhost,IP:127.0.0.1'
masters=''
urls=''
for host in "${names[@]}"; do
  certificate "$host" "DNS:$host,DNS:localhost,DNS:es-nodes,IP:127.0.0.1,IP:${address[$host]}"
  kibana_names+=",DNS:$host,IP:${address[$host]}"
  masters+="${masters:+, }\"$host\""
  urls+="${urls:+, }\"https://${address[$host]}:9200\""
done
certificate kibana "$kibana_names"
elastic_password=$(password 32)
logstash_password=$(password 32)

elasticsearch_yml() {
  cat <<YAML
cluster.name: elk
node.name: \${HOSTNAME}
node.roles: [master, data, ingest, remote_cluster_client]
network.host: 0.0.0.0
network.publish_host: \${HOSTNAME}
http.publish_host: ${address[$1]}
http.publish_port: 9200
discovery.seed_hosts: [es-nodes]
action.destructive_requires_name: true
xpack.security.enabled: true
xpack.security.enrollment.enabled: false
xpack.security.transport.ssl.enabled: true
xpack.security.transport.ssl.verification_mode: certificate
xpack.security.transport.ssl.key: certs/node.key
xpack.security.transport.ssl.certificate: certs/node.crt
xpack.security.transport.ssl.certificate_authorities: [certs/ca.crt]
xpack.security.http.ssl.enabled: true
xpack.security.http.ssl.key: certs/node.key
xpack.security.http.ssl.certificate: certs/node.crt
xpack.security.http.ssl.certificate_authorities: [certs/ca.crt]
YAML
}

configure() {
  local stage=stage/$1
  mkdir -p "$stage"
  cp ca.crt "$stage/ca.crt"
  cp "certs/$1.crt" "$stage/node.crt"
  cp "certs/$1.key" "$stage/node.key"
  { elasticsearch_yml "$1"; echo "cluster.initial_master_nodes: [$masters]"; } > "$stage/elasticsearch.yml"
  printf -- '-Xms384m\n-Xmx384m\n' > "$stage/jvm.options"
  printf '%s' "$elastic_password" > "$stage/elastic_password"
  tar -C "$stage" -cf - . | on "$1" '
    umask 022
    dir=$(mktemp -d); tar -C "$dir" -xf -
    mkdir -p /etc/elk /srv/elk
    install -d -m 0755 /etc/elk/pki
    install -d -m 0750 -o 1000 -g 0 /etc/elk/elasticsearch
    install -d -m 0500 -o 1000 -g 0 /etc/elk/elasticsearch/secrets
    install -d -m 0770 -o 1000 -g 0 /srv/elk/elasticsearch /srv/elk/logstash
    install -m 0644 "$dir/ca.crt" "$dir/node.crt" /etc/elk/pki/
    install -m 0400 -o 1000 -g 0 "$dir/node.key" /etc/elk/pki/
    install -m 0440 -o 1000 -g 0 "$dir/elasticsearch.yml" "$dir/jvm.options" /etc/elk/elasticsearch/
    install -m 0400 -o 1000 -g 0 "$dir/elastic_password" /etc/elk/elasticsearch/secrets/
    rm -r "$dir"'
}
everywhere configure "${names[@]}"
done_with files

# --- Elasticsearch -----------------------------------------------------------------------------------

on "$first" "docker service create --detach --quiet --name elk_elasticsearch-1 --mode global \
  --constraint node.labels.elk.es==1 --hostname '{{.Node.Hostname}}' \
  --network name=elknet,alias=es-nodes --endpoint-mode dnsrr \
  --publish mode=host,published=9200,target=9200 \
  --env ELASTIC_PASSWORD_FILE=/run/elk/elastic_password \
  --mount type=bind,src=/srv/elk/elasticsearch,dst=/usr/share/elasticsearch/data \
  --mount type=bind,src=/etc/elk/elasticsearch/elasticsearch.yml,dst=/usr/share/elasticsearch/config/elasticsearch.yml,readonly \
  --mount type=bind,src=/etc/elk/elasticsearch/jvm.options,dst=/usr/share/elasticsearch/config/jvm.options.d/elk.options,readonly \
  --mount type=bind,src=/etc/elk/pki,dst=/usr/share/elasticsearch/config/certs,readonly \
  --mount type=bind,src=/etc/elk/elasticsearch/secrets,dst=/run/elk,readonly \
  --limit-memory 1g --reserve-memory 1g --restart-delay 5s --stop-grace-period 180s \
  --health-interval 5s --health-timeout 15s --health-retries 5 --health-start-period 300s \
  --health-cmd 'bash -c \"exec 3<>/dev/tcp/127.0.0.1/9300\" 2>/dev/null || exit 1; curl -s -o /dev/null --max-time 10 --cacert config/certs/ca.crt https://localhost:9200/; [ \$? -ne 28 ]' \
  $REGISTRY/elasticsearch:$VERSION" >/dev/null

printf 'user = "elastic:%s"\n' "$elastic_password" > curlrc
es() { # METHOD PATH [curl options]
  local method=$1 path=$2
  shift 2
  curl -sS --fail --max-time 60 --cacert ca.crt -K curlrc -X "$method" -H 'Content-Type: application/json' \
    "https://${address[$first]}:9200$path" "$@"
}
green() {
  es GET /_cluster/health 2>/dev/null | grep -q "\"status\":\"green\".*\"number_of_nodes\":${#names[@]},"
}
until_true 600 green
uuid=$(es GET / | grep -o '"cluster_uuid" *: *"[^"]*"' | cut -d'"' -f4)
formed() {
  elasticsearch_yml "$1" | on "$1" "
    cat > /etc/elk/elasticsearch/elasticsearch.yml
    echo $uuid > /etc/elk/elasticsearch/cluster_uuid
    chown 1000:0 /etc/elk/elasticsearch/cluster_uuid
    chmod 0444 /etc/elk/elasticsearch/cluster_uuid"
}
everywhere formed "${names[@]}"
replicas=$((${#names[@]} > 1))
es PUT /_index_template/syslog-msg -o /dev/null -d '{"index_patterns": ["syslog-msg-*"], "priority": 200, "template": {
  "settings": {"index.number_of_shards": 1, "index.number_of_replicas": '"$replicas"', "index.refresh_interval": "5s"},
  "mappings": {
    "dynamic_templates": [{"strings": {"match_mapping_type": "string", "mapping": {"type": "keyword", "ignore_above": 1024}}}],
    "properties": {"@timestamp": {"type": "date"}, "message": {"type": "text"}, "tags": {"type": "keyword"},
      "event": {"properties": {"original": {"type": "keyword", "index": false, "doc_values": false}}},
      "host": {"properties": {"ip": {"type": "ip"}, "hostname": {"type": "keyword"}}}}}}}'
es PUT /syslog-msg-000001 -o /dev/null -d '{"aliases": {"syslog-msg": {"is_write_index": true}}}'
es PUT /_security/role/logstash_writer -o /dev/null -d '{
  "cluster": ["cluster:monitor/main", "cluster:monitor/xpack/license/get"],
  "indices": [{"names": ["syslog-msg"], "privileges": ["create_doc", "indices:admin/mapping/auto_put"]}]}'
printf '{"password": "%s", "roles": ["logstash_writer"], "full_name": "Logstash"}' "$logstash_password" \
  | es PUT /_security/user/logstash_writer -o /dev/null -d @-
token=$(es POST /_security/service/elastic/kibana/credential/token/elk | grep -o '"value":"[^"]*"' | cut -d'"' -f4)
done_with elasticsearch

# --- Logstash and Kibana -----------------------------------------------------------------------------

config() { on "$first" "docker config create $1 - >/dev/null"; }
secret() { on "$first" "docker secret create $1 - >/dev/null"; }
config logshipper-ca < ca.crt
config logshipper-logstash-yml <<'YAML'
node.name: "${HOSTNAME}"
path.data: /usr/share/logstash/data
api.enabled: true
api.http.host: "127.0.0.1"
api.http.port: 9600
log.level: info
config.reload.automatic: false
pipeline.ecs_compatibility: v8
pipeline.batch.size: 125
pipeline.batch.delay: 50
pipeline.unsafe_shutdown: false
queue.type: persisted
queue.max_bytes: 1gb
queue.page_capacity: 64mb
queue.drain: false
dead_letter_queue.enable: false
YAML
config logshipper-pipelines-yml <<'YAML'
- pipeline.id: syslog
  path.config: /usr/share/logstash/pipeline/syslog.conf
YAML
secret logshipper-syslog-conf <<CONF
input {
  syslog { id => "syslog_in" host => "0.0.0.0" port => 10514 ecs_compatibility => "v8" }
}
filter {
  mutate { id => "strip_line_end" gsub => ["message", "[\\r\\n]+\\z", "", "[event][original]", "[\\r\\n]+\\z", ""] }
}
output {
  elasticsearch {
    id => "elasticsearch_out"
    hosts => [$urls]
    index => "syslog-msg"
    action => "create"
    data_stream => "false"
    ilm_enabled => "false"
    manage_template => false
    ecs_compatibility => "v8"
    user => "logstash_writer"
    password => "$logstash_password"
    ssl_enabled => true
    ssl_certificate_authorities => ["/usr/share/logstash/config/ca.crt"]
    ssl_verification_mode => "full"
  }
}
CONF
on "$first" "docker service create --detach --quiet --name logshipper --replicas ${#logstash[@]} --init \
  --hostname '{{.Node.Hostname}}' --network elknet --endpoint-mode dnsrr \
  --publish mode=host,published=514,target=10514,protocol=tcp --publish mode=host,published=514,target=10514,protocol=udp \
  --constraint 'node.labels.elk.logstash==true' --replicas-max-per-node 1 \
  --env 'LS_JAVA_OPTS=-Xms256m -Xmx256m' \
  --mount type=bind,src=/srv/elk/logstash,dst=/usr/share/logstash/data \
  --config source=logshipper-logstash-yml,target=/usr/share/logstash/config/logstash.yml,uid=1000,gid=0,mode=0444 \
  --config source=logshipper-pipelines-yml,target=/usr/share/logstash/config/pipelines.yml,uid=1000,gid=0,mode=0444 \
  --config source=logshipper-ca,target=/usr/share/logstash/config/ca.crt,uid=1000,gid=0,mode=0444 \
  --secret source=logshipper-syslog-conf,target=/usr/share/logstash/pipeline/syslog.conf,uid=1000,gid=0,mode=0400 \
  --limit-memory 640m --restart-delay 5s --stop-grace-period 90s \
  --health-interval 5s --health-timeout 10s --health-retries 6 --health-start-period 120s \
  --health-cmd 'grep -qsE :2912.[0-9A-F]+:0000.0A. /proc/net/tcp /proc/net/tcp6 && curl --silent --fail --output /dev/null --max-time 5 http://127.0.0.1:9600/' \
  $REGISTRY/logstash-stand-in:$VERSION" >/dev/null
done_with logstash

config kibana-ca < ca.crt
config kibana-certificate < certs/kibana.crt
secret kibana-key < certs/kibana.key
secret kibana-yml <<YAML
server.host: 0.0.0.0
server.port: 5601
server.shutdownTimeout: 10s
server.ssl.enabled: true
server.ssl.certificate: /usr/share/kibana/config/certs/kibana.crt
server.ssl.key: /usr/share/kibana/config/certs/kibana.key
elasticsearch.hosts: [$urls]
elasticsearch.serviceAccountToken: $token
elasticsearch.ssl.certificateAuthorities: [/usr/share/kibana/config/certs/ca.crt]
elasticsearch.ssl.verificationMode: full
xpack.security.encryptionKey: $(password 48)
xpack.encryptedSavedObjects.encryptionKey: $(password 48)
xpack.reporting.encryptionKey: $(password 48)
YAML
on "$first" "docker node update --label-add elk.kibana=true $first >/dev/null
docker service create --detach --quiet --name kibana --replicas 1 \
  --hostname '{{.Service.Name}}-{{.Task.Slot}}' --network elknet --endpoint-mode dnsrr \
  --publish mode=host,published=5601,target=5601 \
  --constraint 'node.labels.elk.kibana==true' --replicas-max-per-node 1 \
  --config source=kibana-ca,target=/usr/share/kibana/config/certs/ca.crt,mode=0444 \
  --config source=kibana-certificate,target=/usr/share/kibana/config/certs/kibana.crt,mode=0444 \
  --secret source=kibana-key,target=/usr/share/kibana/config/certs/kibana.key,uid=1000,gid=0,mode=0400 \
  --secret source=kibana-yml,target=/usr/share/kibana/config/kibana.yml,uid=1000,gid=0,mode=0400 \
  --limit-memory 256m --restart-delay 5s --stop-grace-period 30s \
  --health-interval 5s --health-timeout 10s --health-retries 12 --health-start-period 180s \
  --health-cmd 'curl --silent --output /dev/null --max-time 5 --cacert /usr/share/kibana/config/certs/ca.crt https://localhost:5601/api/status' \
  $REGISTRY/kibana-stand-in:$VERSION" >/dev/null
running() { [ "$(on "$first" "docker service ls --filter name=$1 --format '{{.Replicas}}'" | cut -d' ' -f1)" = "$2/$2" ]; }
until_true 120 running logshipper ${#logstash[@]}
until_true 120 running kibana 1
done_with kibana

# --- send lines and find them --------------------------------------------------------------------------

until_true 120 green
run=smoke$(password 12)
for host in "${logstash[@]}"; do
  for protocol in tcp udp; do
    stamp=$(LC_ALL=C date '+%b %e %H:%M:%S')
    echo "<14>$stamp elk-probe elkprobe[514]: smoke test $run $host $protocol" > "/dev/$protocol/${address[$host]}/514"
  done
done
found() {
  es POST /syslog-msg/_refresh -o /dev/null
  es POST /syslog-msg/_search -d '{"query": {"match": {"message": "'"$run"'"}}}' > hits.json
  grep -q "\"total\":{\"value\":$((2 * ${#logstash[@]})),\"relation\"" hits.json
}
until_true 60 found
grep -o '"_index":"[^"]*","_id":"[^"]*"' hits.json | sed 's/.*/{"delete": {&}}/' > delete.ndjson
es POST /_bulk?refresh=true -o /dev/null --data-binary @delete.ndjson
available() { curl -sS --max-time 10 --cacert ca.crt "https://${address[$first]}:5601/api/status" | grep -q '"level": *"available"'; }
until_true 120 available
done_with verify
for host in "${names[@]}"; do ssh "${ssh_options[@]}" -O exit "$SSH_USER@${address[$host]}" 2>/dev/null; done
