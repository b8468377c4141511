"""Changes made outside of the collection, and the one task that corrects each."""

from __future__ import annotations

import datetime
import hashlib
import json
import socket
import ssl
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey

from server_name import KIBANA
from tests.scenarios.operations.drift.standing import Standing

Change = tuple[str, str]
SYSCTL = "/etc/sysctl.d/90-elk-swarm.conf"
DAEMON = "/etc/docker/daemon.json"
CONFIG = "/etc/elk/elasticsearch/elasticsearch.yml"
PASSWORD_FILE = "/etc/elk/elasticsearch/secrets/elastic_password"
TOKEN = "/_security/service/elastic/kibana/credential/token/elk"
USER = "/_security/user/logstash_writer"
ROLE = "/_security/role/logstash_writer"
TEMPLATE = "/_index_template/syslog-msg"


@dataclass(frozen=True)
class Drift:
    name: str
    spoil: Callable[[Standing], object]
    restored: Callable[[Standing], bool]
    # Each (host, task) that a run changes, and texts in its diff unless that is hidden.
    changes: frozenset[Change]
    shows: tuple[str, ...] = ()
    # The same in check mode, where another task reports the change.
    checked: frozenset[Change] = field(default=frozenset())

    @property
    def predicted(self) -> frozenset[Change]:
        return self.checked or self.changes


def by(host: str, *tasks: str) -> frozenset[Change]:
    return frozenset((host, task) for task in tasks)


def on(host: str, script: str) -> Callable[[Standing], object]:
    return lambda standing: standing.sh(host, script)


def says(host: str, script: str, *words: str) -> Callable[[Standing], bool]:
    """Whether the script's output has all of these words."""

    def check(standing: Standing) -> bool:
        found = standing.sh(host, script)
        return all(text in found for text in words)

    return check


# -- certificates ------------------------------------------------------------------------------


def shorten(standing: Standing, path: Path, days: int) -> str:
    """Sign a certificate again for fewer days, and replace the longer one."""
    old = x509.load_pem_x509_certificate(path.read_bytes())
    ca_key = serialization.load_pem_private_key((standing.directory / "ca.key").read_bytes(), None)
    assert isinstance(ca_key, EllipticCurvePrivateKey)
    builder = (
        x509.CertificateBuilder()
        .subject_name(old.subject)
        .issuer_name(old.issuer)
        .public_key(old.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(old.not_valid_before_utc)
        .not_valid_after(datetime.datetime.now(datetime.UTC) + datetime.timedelta(days=days))
    )
    for extension in old.extensions:
        builder = builder.add_extension(extension.value, extension.critical)
    new = builder.sign(ca_key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM).decode()
    path.write_text(new)
    return new


def lasts(standing: Standing, name: str, days: int) -> bool:
    certificate = x509.load_pem_x509_certificate((standing.directory / name).read_bytes())
    remaining = certificate.not_valid_after_utc - datetime.datetime.now(datetime.UTC)
    return remaining > datetime.timedelta(days=days)


def serves(
    standing: Standing, address: str, port: int, name: str, server_name: str | None = None
) -> bool:
    """Whether a server shows the certificate that the controller holds for it."""
    context = ssl.create_default_context(cafile=str(standing.directory / "ca.crt"))
    try:
        with (
            socket.create_connection((address, port), timeout=10) as plain,
            context.wrap_socket(plain, server_hostname=server_name or address) as wrapped,
        ):
            shown = wrapped.getpeercert(binary_form=True)
    except OSError:
        return False
    return shown == ssl.PEM_cert_to_DER_cert((standing.directory / name).read_text())


def shorten_node(standing: Standing) -> None:
    new = shorten(standing, standing.directory / "certs" / "m2.crt", 10)
    standing.sh("m2", f"cat > /etc/elk/pki/node.crt <<'END'\n{new}END")


def node_restored(standing: Standing) -> bool:
    """Elasticsearch must load the new certificate without a restart."""
    address = str(standing.vars["m2"]["ansible_host"])
    name = "certs/m2.crt"
    return lasts(standing, name, 600) and serves(standing, address, 9200, name)


def shorten_kibana(standing: Standing) -> None:
    """Replace it in Kibana too, as if it had aged there: only its end date differs."""
    new = shorten(standing, standing.directory / "certs" / "kibana.crt", 10)
    base = "kibana-certificate"
    name = f"{base}-{hashlib.sha256(new.encode()).hexdigest()[:12]}"
    labels = f"--label elk.swarm.service=kibana --label elk.swarm.base={base}"
    script = f"""
old=$(docker config ls --format '{{{{.Name}}}}' | grep ^{base}-)
docker config create {labels} {name} - <<'END'
{new.rstrip()}
END
docker service update --detach --quiet --config-rm $old --config-add \\
  source={name},target=/usr/share/kibana/config/certs/kibana.crt,mode=0444 kibana
docker config rm $old
"""
    standing.sh("m1", script)


def kibana_certificate_restored(standing: Standing) -> bool:
    name = "certs/kibana.crt"
    return lasts(standing, name, 600) and any(
        serves(standing, str(known["ansible_host"]), 5601, name, KIBANA)
        for known in standing.vars.values()
    )


def shorten_authority(standing: Standing) -> None:
    """The authority then ends before a certificate that is signed today."""
    new = shorten(standing, standing.directory / "ca.crt", 700)
    for host in standing.hosts:
        standing.sh(host, f"cat > /etc/elk/pki/ca.crt <<'END'\n{new}END")


def authority_restored(standing: Standing) -> bool:
    ours = (standing.directory / "ca.crt").read_text().strip()
    copies = [standing.sh(host, "cat /etc/elk/pki/ca.crt") for host in standing.hosts]
    return lasts(standing, "ca.crt", 3000) and copies == [ours] * len(copies)


# -- services and the API ----------------------------------------------------------------------


def spoil_user(standing: Standing) -> None:
    body = {"password": "not-the-password", "roles": ["superuser"], "enabled": False}
    assert standing.elasticsearch(USER, "PUT", body)[0] == 200


def user_restored(standing: Standing) -> bool:
    login = f"logstash_writer:{standing.secret('logstash_password')}"
    status, body = standing.elasticsearch("/_security/_authenticate", login=login)
    return status == 200 and body["roles"] == ["logstash_writer"]


def spoil_role(standing: Standing) -> None:
    role = standing.elasticsearch(ROLE)[1]["logstash_writer"]
    role.pop("transient_metadata", None)
    assert standing.elasticsearch(ROLE, "PUT", {**role, "run_as": ["elastic"]})[0] == 200


def role_restored(standing: Standing) -> bool:
    return not standing.elasticsearch(ROLE)[1]["logstash_writer"].get("run_as")


def spoil_template(standing: Standing) -> None:
    found = standing.elasticsearch(TEMPLATE)[1]["index_templates"][0]["index_template"]
    found["template"]["mappings"]["properties"]["message"] = {"type": "keyword"}
    # The response also has the time of creation, which a PUT does not accept.
    body = {key: found[key] for key in ("index_patterns", "priority", "template")}
    assert standing.elasticsearch(TEMPLATE, "PUT", body)[0] == 200


def template_restored(standing: Standing) -> bool:
    found = standing.elasticsearch(TEMPLATE)[1]["index_templates"][0]["index_template"]
    return bool(found["template"]["mappings"]["properties"]["message"] == {"type": "text"})


def logstash_restored(standing: Standing) -> bool:
    spec = standing.service("logshipper")
    env = spec["TaskTemplate"]["ContainerSpec"].get("Env") or []
    return "DRIFT=1" not in env and "com.docker.stack.namespace" in spec["Labels"]


def delete_token(standing: Standing) -> None:
    assert standing.elasticsearch(TOKEN, "DELETE")[0] == 200


def token_restored(standing: Standing) -> bool:
    _status, body = standing.elasticsearch("/_security/service/elastic/kibana/credential")
    return "elk" in body["tokens"] and standing.kibana_available()


LEFTOVERS = "logshipper-ca-000000000000 logshipper-syslog-conf-000000000000"
LABELS = "--label elk.swarm.service=logshipper --label elk.swarm.base="
FOREIGN = "of-somebody-else"
LEAVE = f"""
docker config create {LABELS}logshipper-ca logshipper-ca-000000000000 - <<< old
docker secret create {LABELS}logshipper-syslog-conf logshipper-syslog-conf-000000000000 - <<< old
docker config create {FOREIGN} - <<< theirs
"""


def leftovers_gone(standing: Standing) -> bool:
    names = standing.sh("m1", "docker config ls --format '{{.Name}}'").split()
    names += standing.sh("m1", "docker secret ls --format '{{.Name}}'").split()
    return not set(LEFTOVERS.split()) & set(names)


# -- the table ---------------------------------------------------------------------------------

HOSTS = (
    Drift(
        "sysctl file deleted",
        on("m1", f"rm {SYSCTL}"),
        says("m1", f"cat {SYSCTL} || true", "max_map_count = 262144", "tcp_retries2 = 5"),
        by("m1", "host_tuning : Set kernel parameters now and for every boot"),
        ("max_map_count = 262144",),
    ),
    Drift(
        "sysctl value lowered",
        on("m2", f"sed -i 's/262144/65530/' {SYSCTL}"),
        says("m2", f"cat {SYSCTL}", "max_map_count = 262144"),
        by("m2", "host_tuning : Set kernel parameters now and for every boot"),
        ("65530",),
    ),
    Drift(
        "daemon.json edited",
        on("w1", f'sed -i \'s/"20m"/"700m"/\' {DAEMON}; grep 700m {DAEMON}'),
        says("w1", f"cat {DAEMON}", '"20m"'),
        by(
            "w1",
            "docker_engine : Write the daemon's configuration",
            "docker_engine : Run the Engine with its configuration",
        ),
        ("700m",),
    ),
    Drift(
        "package hold removed",
        on("m1", "apt-mark unhold docker.io"),
        says("m1", "apt-mark showhold", "docker.io"),
        by("m1", "docker_engine : Hold or release the packages"),
        checked=by("m1", "docker_engine : Say what would be held or released"),
    ),
)

NODES = "swarm : Verify the nodes and set their availability and labels"
CERTIFICATES = "pki : Give the host the certificates of the authorities and its own"
CONTENT = "elasticsearch : Bring in the templates and the role of Logstash"
CLUSTER = (
    Drift(
        "label from the inventory removed",
        on("m1", "docker node update --label-rm rack m2"),
        lambda standing: standing.node("m2")["Labels"].get("rack") == "r2",
        by("m1", NODES),
        ("rack", "r2"),
    ),
    Drift(
        "node drained",
        on("m1", "docker node update --availability drain w1"),
        lambda standing: standing.node("w1")["Availability"] == "active",
        by("m1", NODES),
        ("drain", "w1"),
    ),
    Drift(
        "mode of the data directory changed",
        on("w1", "chmod 0755 /srv/elk/elasticsearch"),
        says("w1", "stat -c '%a %u:%g' /srv/elk/elasticsearch", "770 1000:0"),
        by("w1", "storage : Make the directories that containers bind"),
        ("0755",),
    ),
    Drift(
        "certificate replaced by garbage",
        on("m1", "echo garbage > /etc/elk/pki/node.crt"),
        says(
            "m1", "openssl verify -CAfile /etc/elk/pki/ca.crt /etc/elk/pki/node.crt || true", "OK"
        ),
        by("m1", CERTIFICATES),
        ("garbage",),
    ),
    Drift(
        "private key opened to everybody",
        on("w1", "chmod 0644 /etc/elk/pki/node.key"),
        says("w1", "stat -c '%a %u:%g' /etc/elk/pki/node.key", "440 0:0"),
        by("w1", "pki : Copy the private keys of the host"),
    ),
    Drift(
        "certificate of a host near its end",
        shorten_node,
        node_restored,
        by("m2", "pki : Sign the certificate", CERTIFICATES),
    ),
    Drift(
        "certificate of Kibana near its end",
        shorten_kibana,
        kibana_certificate_restored,
        # The new certificate has a new key.
        by(
            "m1",
            "pki : Make the private key",
            "pki : Sign the certificate",
            "replicated_service : Deploy the service of Kibana",
        ),
    ),
    Drift(
        "certificate of the authority near its end",
        shorten_authority,
        authority_restored,
        by(
            "m1",
            "pki : Sign the certificate authority",
            CERTIFICATES,
            "replicated_service : Deploy the service of Logstash",
        )
        | by("m2", CERTIFICATES)
        | by("w1", CERTIFICATES),
    ),
)

STACK = (
    Drift(
        "label that places Logstash removed",
        on("m1", "docker node update --label-rm elk.logstash m2"),
        lambda standing: standing.node("m2")["Labels"].get("elk.logstash") == "true",
        by("m1", "replicated_service : Label the hosts of Logstash"),
    ),
    Drift(
        "Logstash scaled to one",
        on("m1", "docker service scale --detach logshipper=1"),
        lambda standing: standing.service("logshipper")["Mode"] == {"Replicated": {"Replicas": 2}},
        by("m1", "replicated_service : Deploy the service of Logstash"),
    ),
    Drift(
        "environment and labels of Logstash changed",
        # Its tasks cannot start with the other drifts here, and Swarm would roll it back first.
        on(
            "m1",
            "docker service update --detach --env-add DRIFT=1 --update-failure-action pause"
            " --label-rm com.docker.stack.namespace logshipper",
        ),
        logstash_restored,
        by("m1", "replicated_service : Deploy the service of Logstash"),
    ),
    Drift(
        "folder of the rendered files given to user 1000",
        on("m1", "chown 1000 /etc/elk/elasticsearch"),
        says("m1", "stat -c '%a %u:%g' /etc/elk/elasticsearch", "750 0:0"),
        by("m1", "elasticsearch : Write what Elasticsearch reads when it starts"),
        ("1000",),
    ),
    Drift(
        "elasticsearch.yml edited by hand",
        on("w1", f"echo 'indices.breaker.total.limit: 99%' >> {CONFIG}"),
        says("w1", f"grep -c breaker {CONFIG} || true", "0"),
        by("w1", "elasticsearch : Write what Elasticsearch reads when it starts"),
        ("indices.breaker.total.limit",),
    ),
    Drift(
        "password file opened to everybody",
        on("m2", f"chmod 0644 {PASSWORD_FILE}"),
        says("m2", f"stat -c %a {PASSWORD_FILE}", "400"),
        by(
            "m2",
            "elasticsearch : Write the password that the first start gives to the user elastic",
        ),
    ),
    Drift(
        "user of Logstash disabled, with other roles and password",
        spoil_user,
        user_restored,
        by("m1", "elasticsearch : Create the user that Logstash logs in as"),
    ),
    Drift(
        "role of Logstash widened",
        spoil_role,
        role_restored,
        by("m1", CONTENT),
        ("run_as",),
    ),
    Drift(
        "index template changed",
        spoil_template,
        template_restored,
        by("m1", CONTENT),
        ("keyword",),
    ),
)

# Apart from the others, so that nothing but the token changes the service of Kibana.
TOKENS = (
    Drift(
        "token of Kibana deleted",
        delete_token,
        token_restored,
        by(
            "m1",
            "elasticsearch : Make sure that Kibana has a service token",
            "elasticsearch : Keep the service token on the controller",
            "replicated_service : Deploy the service of Kibana",
        ),
    ),
    Drift(
        "config and secret of ours left over",
        on("m1", LEAVE),
        leftovers_gone,
        by("m1", "replicated_service : Deploy the service of Logstash"),
    ),
)

# Drifts whose changes differ share one run, because runs take the time.
GROUPS = {
    "everywhere": ("site.yml", HOSTS + CLUSTER + STACK),
    "tokens": ("playbooks/stack.yml", TOKENS),
}


def difference(result: dict[str, object]) -> str:
    return json.dumps(result.get("diff") or result.get("results"), default=str)
