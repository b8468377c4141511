# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The command of the image: options override environment variables, which override the file."""

from __future__ import annotations

import json
import logging
import os
import signal
import ssl
import sys
import threading
import uuid as uuids
from pathlib import Path
from typing import TYPE_CHECKING, Any

from . import settings as configuration
from .elasticsearch import Elasticsearch
from .health import Health
from .server import Server
from .settings import EXIT_INVALID, ConfigError

if TYPE_CHECKING:
    from collections.abc import Sequence

_LOG = logging.getLogger("root")


def parse_arguments(arguments: Sequence[str], default: Path) -> tuple[list[Path], dict[str, Any]]:
    """Read every ``-c FILE`` and ``--setting=value``."""
    files: list[Path] = []
    options: dict[str, Any] = {}
    rest = list(arguments)
    while rest:
        argument = rest.pop(0)
        name, equals, value = argument.partition("=")
        if name in ("-c", "--config"):
            if not equals and not rest:
                raise ConfigError(f"{name} needs a file")
            files.append(Path(value if equals else rest.pop(0)))
        elif name.startswith("--") and equals:
            options[name[2:]] = configuration.parse_option(value)
        else:
            raise ConfigError(f"unknown argument {argument}", configuration.EXIT_UNKNOWN)
    return files or [default], options


def find_uuid(given: str | None, data: Path) -> str:
    """The id of this instance: from the settings, from the data directory, or a new one."""
    if given:
        return given
    path = data / "uuid"
    try:
        if path.exists():
            return str(uuids.UUID(path.read_text(encoding="ascii").strip()))
        new = str(uuids.uuid4())
        path.write_text(new, encoding="ascii")
    except (OSError, ValueError) as error:
        raise ConfigError(f"cannot store the id of this instance in {path}: {error}") from error
    return new


def find_version(home: Path) -> str:
    """Read the version with which the image was built."""
    try:
        text = (home / "package.json").read_text(encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"cannot read the version of this image: {error}") from error
    return str(json.loads(text)["version"])


def main(arguments: Sequence[str] | None = None) -> int:
    """Run until SIGTERM. An invalid configuration returns Kibana's exit codes."""
    logging.basicConfig(
        stream=sys.stdout,
        level=logging.INFO,
        format="[%(asctime)s][%(levelname)-5s][%(name)s] stand-in for Kibana: %(message)s",
    )
    home = Path(os.environ.get("KBN_HOME", "/usr/share/kibana"))
    config = Path(os.environ.get("KBN_PATH_CONF", home / "config"))
    try:
        files, options = parse_arguments(
            sys.argv[1:] if arguments is None else arguments, config / "kibana.yml"
        )
        if (config / "kibana.keystore").exists():
            raise ConfigError("kibana.keystore: the stand-in cannot read it")
        settings = configuration.check(configuration.read(files, options, os.environ))
        version = find_version(home)
        uuid = find_uuid(settings.uuid, settings.data)
        client = Elasticsearch(settings)
        status = Health(settings, client, version)
        server = Server(settings, client, status, uuid, version)
    except ConfigError as error:
        _LOG.critical("%s", error)
        return error.code
    except ssl.SSLError as error:
        _LOG.critical("a certificate or key cannot be used: %s", error)
        return EXIT_INVALID
    except OSError as error:
        _LOG.critical("cannot start: %s", error)
        return 1
    if settings.debug:
        logging.getLogger().setLevel(logging.DEBUG)

    stopping = threading.Event()

    def stop(number: int, _frame: object) -> None:
        if not stopping.is_set():
            stopping.set()
            _LOG.info("received %s, stopping", signal.Signals(number).name)
            # In a thread: shutdown() waits for the loop that this handler interrupts.
            threading.Thread(target=server.shutdown).start()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    status.start()
    scheme = "https" if settings.tls else "http"
    _LOG.info(
        "version %s, listening on %s://%s:%s, Elasticsearch at %s",
        version,
        scheme,
        settings.host,
        server.server_port,
        " ".join(settings.elasticsearch),
    )
    server.serve_forever(poll_interval=0.2)
    server.server_close()
    status.stop()
    if not server.wait_until_idle(settings.shutdown_timeout):
        _LOG.warning("some requests were not finished in %s s", settings.shutdown_timeout)
    _LOG.info("stopped")
    return 0


if __name__ == "__main__":
    sys.exit(main())
