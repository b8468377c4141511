# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The settings of kibana.yml and their allowed values.

The stand-in uses few settings but knows many more, because it must refuse what Kibana refuses: a
misspelt name, a short encryption key, a file that it cannot read.
"""

from __future__ import annotations

import json
import os
import re
import socket
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import yaml

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

# Kibana's exit codes.
EXIT_UNKNOWN = 64
EXIT_INVALID = 78

# One setting per line: its name and the type of its value. "a|b" lists the allowed values.
_TABLE = """
console.ui.enabled bool
csp.disableEmbedding bool
csp.script_src list
csp.strict bool
csp.warnLegacyBrowsers bool
csp.frame_ancestors list
elasticsearch.apiVersion string
elasticsearch.compression bool
elasticsearch.customHeaders object
elasticsearch.healthCheck.delay duration
elasticsearch.healthCheck.startupDelay duration
elasticsearch.hosts urls
elasticsearch.idleSocketTimeout duration
elasticsearch.ignoreVersionMismatch bool
elasticsearch.maxIdleSockets int
elasticsearch.maxResponseSize string
elasticsearch.maxSockets int
elasticsearch.password string
elasticsearch.pingTimeout duration
elasticsearch.publicBaseUrl string
elasticsearch.requestHeadersWhitelist list
elasticsearch.requestTimeout duration
elasticsearch.serviceAccountToken string
elasticsearch.shardTimeout duration
elasticsearch.sniffInterval duration
elasticsearch.sniffOnConnectionFault bool
elasticsearch.sniffOnStart bool
elasticsearch.ssl.alwaysPresentCertificate bool
elasticsearch.ssl.certificate file
elasticsearch.ssl.certificateAuthorities files
elasticsearch.ssl.key file
elasticsearch.ssl.keyPassphrase string
elasticsearch.ssl.keystore.password string
elasticsearch.ssl.keystore.path file
elasticsearch.ssl.truststore.password string
elasticsearch.ssl.truststore.path file
elasticsearch.ssl.verificationMode full|certificate|none
elasticsearch.username string
externalUrl.policy list
i18n.locale string
interactiveSetup.enabled bool
logging.appenders object
logging.loggers list
logging.root.appenders list
logging.root.level fatal|error|warn|info|debug|trace|all|off
map.emsUrl string
map.includeElasticMapsService bool
migrations.batchSize int
migrations.discardCorruptObjects string
migrations.discardUnknownObjects string
migrations.maxBatchSizeBytes string
migrations.maxReadBatchSizeBytes string
migrations.pollInterval int
migrations.retryAttempts int
migrations.scrollDuration string
migrations.skip bool
migrations.zdt.metaPickupSyncDelaySec int
monitoring.cluster_alerts.email_notifications.email_address string
monitoring.kibana.collection.enabled bool
monitoring.kibana.collection.interval int
monitoring.ui.ccs.enabled bool
monitoring.ui.container.elasticsearch.enabled bool
monitoring.ui.container.logstash.enabled bool
monitoring.ui.elasticsearch.hosts urls
monitoring.ui.elasticsearch.password string
monitoring.ui.elasticsearch.ssl.certificateAuthorities files
monitoring.ui.elasticsearch.ssl.verificationMode full|certificate|none
monitoring.ui.elasticsearch.username string
monitoring.ui.enabled bool
monitoring.ui.logs.index string
monitoring.ui.max_bucket_size int
monitoring.ui.min_interval_seconds int
newsfeed.enabled bool
no_data_page.force bool
node.roles list
ops.cGroupOverrides.cpuAcctPath string
ops.cGroupOverrides.cpuPath string
ops.interval duration
path.data string
pid.exclusive bool
pid.file string
savedObjects.maxImportExportSize int
savedObjects.maxImportPayloadBytes string
security.showInsecureClusterWarning bool
server.autoListen bool
server.basePath string
server.cdn.url string
server.compression.brotli.enabled bool
server.compression.brotli.quality int
server.compression.enabled bool
server.compression.referrerWhitelist list
server.cors.allowCredentials bool
server.cors.allowOrigin list
server.cors.enabled bool
server.customResponseHeaders object
server.defaultRoute string
server.eluMonitor.enabled bool
server.host string
server.http2.allowUnsecure bool
server.keepaliveTimeout duration
server.maxPayload string
server.name string
server.payloadTimeout duration
server.port port
server.prototypeHardening bool
server.protocol http1|http2
server.publicBaseUrl string
server.requestId.allowFromAnyIp bool
server.requestId.ipAllowlist list
server.restrictInternalApis bool
server.rewriteBasePath bool
server.securityResponseHeaders.crossOriginOpenerPolicy string
server.securityResponseHeaders.disableEmbedding bool
server.securityResponseHeaders.permissionsPolicy string
server.securityResponseHeaders.referrerPolicy string
server.securityResponseHeaders.strictTransportSecurity string
server.securityResponseHeaders.xContentTypeOptions string
server.shutdownTimeout duration
server.socketTimeout duration
server.ssl.certificate file
server.ssl.certificateAuthorities files
server.ssl.cipherSuites list
server.ssl.clientAuthentication none|optional|required
server.ssl.enabled bool
server.ssl.key file
server.ssl.keyPassphrase string
server.ssl.keystore.password string
server.ssl.keystore.path file
server.ssl.redirectHttpFromPort port
server.ssl.supportedProtocols list
server.ssl.truststore.password string
server.ssl.truststore.path file
server.uuid string
server.xsrf.allowlist list
server.xsrf.disableProtection bool
status.allowAnonymous bool
telemetry.allowChangingOptInStatus bool
telemetry.enabled bool
telemetry.optIn bool
telemetry.sendUsageFrom server|browser
telemetry.sendUsageTo prod|staging
unifiedSearch.autocomplete.valueSuggestions.terminateAfter duration
unifiedSearch.autocomplete.valueSuggestions.timeout duration
url_drilldown.enabled bool
vis_type_vega.enableExternalUrls bool
xpack.actions.allowedHosts list
xpack.actions.customHostSettings list
xpack.actions.enabledActionTypes list
xpack.actions.maxResponseContentLength string
xpack.actions.preconfigured object
xpack.actions.preconfiguredAlertHistoryEsIndex bool
xpack.actions.proxyBypassHosts list
xpack.actions.proxyOnlyHosts list
xpack.actions.proxyUrl string
xpack.actions.responseTimeout string
xpack.actions.ssl.proxyVerificationMode full|certificate|none
xpack.actions.ssl.verificationMode full|certificate|none
xpack.alerting.healthCheck.interval string
xpack.alerting.rules object
xpack.apm.indices object
xpack.apm.serviceMapEnabled bool
xpack.banners.backgroundColor string
xpack.banners.disableSpaceBanners bool
xpack.banners.placement disabled|top
xpack.banners.textColor string
xpack.banners.textContent string
xpack.encryptedSavedObjects.encryptionKey key
xpack.encryptedSavedObjects.keyRotation.batchSize int
xpack.encryptedSavedObjects.keyRotation.decryptionOnlyKeys keys
xpack.fleet.agentPolicies list
xpack.fleet.agents.elasticsearch.hosts urls
xpack.fleet.agents.enabled bool
xpack.fleet.agents.fleet_server.hosts urls
xpack.fleet.enabled bool
xpack.fleet.isAirGapped bool
xpack.fleet.outputs list
xpack.fleet.packages list
xpack.fleet.registryProxyUrl string
xpack.fleet.registryUrl string
xpack.ml.enabled bool
xpack.observability.annotations.index string
xpack.productDocBase.artifactRepositoryUrl string
xpack.reporting.capture.maxAttempts int
xpack.reporting.csv.checkForFormulas bool
xpack.reporting.csv.escapeFormulaValues bool
xpack.reporting.csv.maxSizeBytes string
xpack.reporting.csv.scroll.duration string
xpack.reporting.csv.scroll.size int
xpack.reporting.csv.useByteOrderMarkEncoding bool
xpack.reporting.enabled bool
xpack.reporting.encryptionKey key
xpack.reporting.kibanaServer.hostname string
xpack.reporting.kibanaServer.port port
xpack.reporting.kibanaServer.protocol http|https
xpack.reporting.queue.pollInterval string
xpack.reporting.queue.timeout string
xpack.security.accessAgreement.message string
xpack.security.audit.appender object
xpack.security.audit.enabled bool
xpack.security.audit.ignore_filters list
xpack.security.authc.http.autoSchemesEnabled bool
xpack.security.authc.http.enabled bool
xpack.security.authc.http.schemes list
xpack.security.authc.providers object
xpack.security.authc.selector.enabled bool
xpack.security.cookieName string
xpack.security.encryptionKey key
xpack.security.loginAssistanceMessage string
xpack.security.loginHelp string
xpack.security.sameSiteCookies Strict|Lax|None
xpack.security.secureCookies bool
xpack.security.session.cleanupInterval string
xpack.security.session.concurrentSessions.maxSessions int
xpack.security.session.idleTimeout string
xpack.security.session.lifespan string
xpack.securitySolution.maxRuleImportExportSize int
xpack.spaces.defaultSolution string
xpack.spaces.maxSpaces int
xpack.task_manager.capacity int
xpack.task_manager.max_attempts int
xpack.task_manager.poll_interval int
"""
KNOWN: dict[str, str] = dict(line.rsplit(" ", 1) for line in _TABLE.split("\n") if line)

# The official image has a fixed list of environment variables, which lacks these newer settings.
_NOT_FROM_ENV = {
    "elasticsearch.publicBaseUrl",
    "elasticsearch.maxResponseSize",
    "logging.appenders",
    "node.roles",
    "server.cdn.url",
    "server.protocol",
    "server.restrictInternalApis",
    "xpack.security.session.concurrentSessions.maxSessions",
}
ENVIRONMENT: dict[str, str] = {
    name.upper().replace(".", "_"): name for name in KNOWN if name not in _NOT_FROM_ENV
}

_DURATION = re.compile(r"^([1-9][0-9]*|0)(ms|s|m|h|d|w)?$")
_UNIT_SECONDS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
_REFERENCE = re.compile(r"\$\{(\w+)(?::([^}]*))?\}")
_SHORTEST_KEY = 32


class ConfigError(Exception):
    """The configuration is invalid. ``code`` is the exit code of the process."""

    def __init__(self, message: str, code: int = EXIT_INVALID) -> None:
        super().__init__(message)
        self.code = code


class _Loader(yaml.SafeLoader):
    """A YAML loader that refuses duplicate keys, as Kibana does."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[Any] = set()
        for key_node, _value in node.value:
            key = self.construct_object(key_node, deep=True)
            if key in seen:
                line = key_node.start_mark.line + 1
                raise ConfigError(f"line {line}: the key {key} appears twice")
            seen.add(key)
        return super().construct_mapping(node, deep)


@dataclass(frozen=True)
class Settings:
    """The settings that the stand-in uses."""

    name: str
    host: str
    port: int
    uuid: str | None
    data: Path
    base_path: str
    rewrite_base_path: bool
    shutdown_timeout: float
    allow_anonymous: bool
    tls: bool
    certificate: str | None
    key: str | None
    key_passphrase: str | None
    protocols: tuple[str, ...]
    ciphers: tuple[str, ...]
    elasticsearch: tuple[str, ...]
    authorities: tuple[str, ...]
    verification: str
    token: str | None
    username: str | None
    password: str | None
    request_timeout: float
    ping_timeout: float
    health_delay: float
    debug: bool


def read(
    files: Iterable[Path], arguments: Mapping[str, Any], environment: Mapping[str, str]
) -> dict[str, Any]:
    """Merge files, command line and environment into one flat dictionary."""
    merged: dict[str, Any] = {}
    for path in files:
        try:
            text = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigError(f"cannot read {path}: {error}") from error
        try:
            # _Loader is a SafeLoader.
            document = yaml.load(text, Loader=_Loader)
        except ConfigError as error:
            raise ConfigError(f"{path}: {error}") from error
        except yaml.YAMLError as error:
            raise ConfigError(f"{path} is not valid YAML: {_without_values(error)}") from error
        if document is None:
            continue
        if not isinstance(document, dict):
            raise ConfigError(f"{path} must contain settings, not a {type(document).__name__}")
        merged.update(_flatten(_resolve(document, environment)))
    merged.update(from_environment(environment))
    merged.update(arguments)
    return merged


def from_environment(environment: Mapping[str, str]) -> dict[str, Any]:
    """The settings that the official image would turn into command line options."""
    found: dict[str, Any] = {}
    for variable, name in ENVIRONMENT.items():
        value = environment.get(variable, "")
        if not value:
            continue
        if re.search(r"\s", value):
            raise ConfigError(
                f"the value of {variable} contains white space, and the start script of the image "
                f"would split it there. Set {name} in kibana.yml"
            )
        found[name] = parse_option(value)
    return found


def parse_option(text: str) -> Any:
    """The value of an option: parsed if it is JSON, else the text itself."""
    try:
        return json.loads(text)
    except ValueError:
        return text


def check(flat: Mapping[str, Any]) -> Settings:
    """Refuse what Kibana refuses; return the settings that the stand-in uses."""
    unknown = sorted(name for name in flat if name not in KNOWN)
    if unknown:
        raise ConfigError(
            f"unknown settings: {', '.join(unknown)}. Check the spelling; Kibana 9 would not "
            "start either",
            EXIT_UNKNOWN,
        )
    values = {
        name: _value(name, KNOWN[name], value) for name, value in flat.items() if value is not None
    }
    _check_server(values)
    _check_elasticsearch(values)
    if any(name.startswith("logging.") for name in values) and not any(
        name.startswith("logging.root.") for name in values
    ):
        raise ConfigError("logging.root must be set together with any other logging setting")
    tls = values.get("server.ssl.enabled", False)
    home = os.environ.get("KBN_HOME", "/usr/share/kibana")
    return Settings(
        name=values.get("server.name") or socket.gethostname(),
        host=values.get("server.host", "localhost"),
        port=values.get("server.port", 5601),
        uuid=values.get("server.uuid"),
        data=Path(values.get("path.data", f"{home}/data")),
        base_path=values.get("server.basePath", ""),
        rewrite_base_path=values.get("server.rewriteBasePath", False),
        shutdown_timeout=values.get("server.shutdownTimeout", 30.0),
        allow_anonymous=values.get("status.allowAnonymous", False),
        tls=tls,
        certificate=values.get("server.ssl.certificate") if tls else None,
        key=values.get("server.ssl.key") if tls else None,
        key_passphrase=values.get("server.ssl.keyPassphrase"),
        protocols=tuple(values.get("server.ssl.supportedProtocols", ["TLSv1.2", "TLSv1.3"])),
        ciphers=tuple(values.get("server.ssl.cipherSuites", [])),
        elasticsearch=tuple(values.get("elasticsearch.hosts", ["http://localhost:9200"])),
        authorities=tuple(values.get("elasticsearch.ssl.certificateAuthorities", [])),
        verification=values.get("elasticsearch.ssl.verificationMode", "full"),
        token=values.get("elasticsearch.serviceAccountToken"),
        username=values.get("elasticsearch.username"),
        password=values.get("elasticsearch.password"),
        request_timeout=values.get("elasticsearch.requestTimeout", 30.0),
        ping_timeout=values.get("elasticsearch.pingTimeout", 30.0),
        health_delay=values.get("elasticsearch.healthCheck.delay", 2.5),
        debug=values.get("logging.root.level") in ("debug", "trace", "all"),
    )


def _check_server(values: Mapping[str, Any]) -> None:
    base_path = values.get("server.basePath", "")
    if base_path and (not base_path.startswith("/") or base_path.endswith("/")):
        raise ConfigError("server.basePath must begin with a slash and must not end with one")
    if values.get("server.rewriteBasePath") and not base_path:
        raise ConfigError("server.rewriteBasePath needs server.basePath")
    public = values.get("server.publicBaseUrl")
    if public:
        parts = urlsplit(public)
        if parts.scheme not in ("http", "https") or not parts.netloc:
            raise ConfigError("server.publicBaseUrl must be like https://kibana.example.org")
        if (parts.path or "/") != (base_path or "/"):
            raise ConfigError(
                f"server.publicBaseUrl must end with server.basePath (here '{base_path}'): "
                f"{parts.path or '/'} !== {base_path or '/'}"
            )
    if not 1 <= values.get("server.shutdownTimeout", 30) <= 120:
        raise ConfigError("server.shutdownTimeout must be between 1 second and 2 minutes")
    if not values.get("server.ssl.enabled"):
        return
    if values.get("server.ssl.keystore.path"):
        raise ConfigError("server.ssl.keystore.path: the stand-in reads PEM files only")
    if not values.get("server.ssl.certificate") or not values.get("server.ssl.key"):
        raise ConfigError("server.ssl.enabled needs server.ssl.certificate and server.ssl.key")
    if values.get("server.ssl.clientAuthentication", "none") != "none":
        raise ConfigError("server.ssl.clientAuthentication: the stand-in supports only none")
    protocols = values.get("server.ssl.supportedProtocols", ["TLSv1.2", "TLSv1.3"])
    if not protocols or not set(protocols) <= {"TLSv1.1", "TLSv1.2", "TLSv1.3"}:
        raise ConfigError("server.ssl.supportedProtocols can contain TLSv1.1, TLSv1.2 and TLSv1.3")


def _check_elasticsearch(values: Mapping[str, Any]) -> None:
    username = values.get("elasticsearch.username")
    token = values.get("elasticsearch.serviceAccountToken")
    if username == "elastic":
        raise ConfigError("elasticsearch.username must not be elastic, the superuser")
    if username and token:
        raise ConfigError(
            "elasticsearch.serviceAccountToken and elasticsearch.username exclude each other"
        )
    if values.get("elasticsearch.password") and not username:
        raise ConfigError("elasticsearch.password needs elasticsearch.username")
    if values.get("elasticsearch.ssl.verificationMode") == "none":
        raise ConfigError(
            "elasticsearch.ssl.verificationMode none: the stand-in always verifies the "
            "certificate. Use full"
        )
    for host in values.get("elasticsearch.hosts", []):
        parts = urlsplit(host)
        if parts.username or parts.password:
            raise ConfigError("elasticsearch.hosts must not contain user names or passwords")
        if parts.scheme == "http" and parts.hostname not in ("localhost", "127.0.0.1", "::1"):
            raise ConfigError(
                f"elasticsearch.hosts: {host} has no TLS; the stand-in sends credentials "
                "without TLS to localhost only"
            )


def _value(name: str, kind: str, value: Any) -> Any:
    """The value in the type that the stand-in uses; errors never contain the value itself."""
    if kind in ("string", "file", "key"):
        if not isinstance(value, str):
            raise ConfigError(f"{name} must be text, not a {type(value).__name__}")
        if kind == "key" and len(value) < _SHORTEST_KEY:
            raise ConfigError(
                f"{name} has {len(value)} characters, but needs at least {_SHORTEST_KEY}"
            )
        if kind == "file":
            _readable(name, value)
        return value
    if kind == "bool":
        # From the environment, the value is text.
        if value in ("true", "false"):
            return value == "true"
        if not isinstance(value, bool):
            raise ConfigError(f"{name} must be true or false")
        return value
    if kind in ("int", "port"):
        if isinstance(value, bool) or not re.match(r"^-?[0-9]+$", str(value)):
            raise ConfigError(f"{name} must be a whole number")
        number = int(value)
        if kind == "port" and not 0 <= number <= 65535:
            raise ConfigError(f"{name} must be a port, 0 to 65535")
        return number
    if kind == "duration":
        match = _DURATION.match(str(value))
        if isinstance(value, bool) or not match:
            raise ConfigError(f"{name} must be milliseconds, or a number with ms, s, m, h, d or w")
        return int(match[1]) * _UNIT_SECONDS[match[2] or "ms"]
    if kind == "object":
        if not isinstance(value, dict):
            raise ConfigError(f"{name} must be a mapping")
        return value
    if "|" in kind:
        if value not in kind.split("|"):
            raise ConfigError(f"{name} must be one of {', '.join(kind.split('|'))}")
        return value
    return _list_value(name, kind, value)


def _list_value(name: str, kind: str, value: Any) -> list[Any]:
    items = value if isinstance(value, list) else [value]
    if kind == "list":
        return items
    if not all(isinstance(item, str) for item in items):
        raise ConfigError(f"{name} must be text, or a list of texts")
    if kind == "keys":
        if any(len(item) < _SHORTEST_KEY for item in items):
            raise ConfigError(f"each of {name} needs at least {_SHORTEST_KEY} characters")
        return items
    if kind == "files":
        for item in items:
            _readable(name, item)
        return items
    if not items:
        raise ConfigError(f"{name} must not be empty")
    for item in items:
        parts = urlsplit(item)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ConfigError(f"{name} must contain URLs like https://10.0.0.1:9200")
    return items


def _readable(name: str, path: str) -> None:
    try:
        with open(path, "rb"):
            pass
    except OSError as error:
        raise ConfigError(f"{name}: cannot read {path}: {error.strerror}") from error


def _flatten(mapping: Mapping[Any, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in mapping.items():
        name = f"{prefix}{key}"
        parent = _object_above(name)
        if parent:
            flat.setdefault(parent, {})[name[len(parent) + 1 :]] = value
        elif isinstance(value, dict) and KNOWN.get(name) != "object":
            flat.update(_flatten(value, f"{name}."))
        else:
            flat[name] = value
    return flat


def _object_above(name: str) -> str | None:
    """Find the setting with free keys that contains this dotted name."""
    parts = name.split(".")
    for length in range(1, len(parts)):
        parent = ".".join(parts[:length])
        if KNOWN.get(parent) == "object":
            return parent
    return None


def _resolve(value: Any, environment: Mapping[str, str]) -> Any:
    """Replace ``${NAME}`` and ``${NAME:default}`` with environment variables."""
    if isinstance(value, dict):
        return {key: _resolve(item, environment) for key, item in value.items()}
    if isinstance(value, list):
        return [_resolve(item, environment) for item in value]
    if not isinstance(value, str):
        return value

    def replace(match: re.Match[str]) -> str:
        found = environment.get(match[1], match[2])
        if found is None:
            raise ConfigError(
                f"kibana.yml uses an environment variable that is not set: {match[1]}"
            )
        return found

    return _REFERENCE.sub(replace, value)


def _without_values(error: yaml.YAMLError) -> str:
    """Describe a YAML error without quoting the line, which can contain a secret."""
    mark = getattr(error, "problem_mark", None)
    problem = getattr(error, "problem", None) or "cannot be parsed"
    return f"line {mark.line + 1}: {problem}" if mark else str(problem)
