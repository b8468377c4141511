# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The command ``logstash``: its arguments, its start, and its end after SIGTERM."""

from __future__ import annotations

import fcntl
import os
import signal
import sys
import threading
import uuid
from pathlib import Path
from typing import Any, TextIO

from . import VERSION, api, log
from .errors import ConfigurationError, ForcedQuitError, PipelineError
from .log import Logger
from .pipeline import Pipeline, Program
from .settings import KNOWN, Pace, Settings, read_config, read_pipelines, read_settings

_HOME = Path(os.environ.get("LOGSTASH_STAND_IN_HOME", "/usr/share/logstash"))
_SHORT = {
    "-f": "path.config",
    "-e": "config.string",
    "-w": "pipeline.workers",
    "-b": "pipeline.batch.size",
    "-l": "path.logs",
    "-n": "node.name",
    "-u": "pipeline.batch.delay",
    "--config": "path.config",
}
_SWITCHES = {"-t": "config.test_and_exit", "-r": "config.reload.automatic"}

_runner = Logger("logstash.runner")
_agent = Logger("logstash.agent")


class _UsageError(Exception):
    pass


def _arguments(arguments: list[str]) -> dict[str, Any]:
    given: dict[str, Any] = {}
    rest = list(arguments)
    while rest:
        word, has_value, value = rest.pop(0).partition("=")
        name = _SHORT.get(word) or _SWITCHES.get(word) or word.removeprefix("--")
        if word in ("-V", "--version"):
            given["version"] = True
        elif word in ("-h", "--help"):
            given["help"] = True
        elif not word.startswith("-") or name not in KNOWN:
            raise _UsageError(f"ERROR: Unrecognised option '{word}'")
        elif KNOWN[name][0] == "bool" and not has_value:
            given[name] = "true"
        elif has_value:
            given[name] = value
        elif rest:
            given[name] = rest.pop(0)
        else:
            raise _UsageError(f"ERROR: option '{word}' needs a value")
    return given


def main(arguments: list[str]) -> int:
    try:
        given = _arguments(arguments)
    except _UsageError as error:
        print(error, file=sys.stderr)
        print("See: 'bin/logstash --help'", file=sys.stderr)
        return 1
    if given.pop("version", False):
        print(f"logstash {VERSION} (stand-in for the lab, not Elastic's Logstash)")
        return 0
    if given.pop("help", False):
        print("Usage: logstash [--version] [-t] [-f CONFIG | -e TEXT] [--SETTING VALUE ...]")
        return 0
    environment = dict(os.environ)
    directory = Path(given.pop("path.settings", _HOME / "config"))
    try:
        settings = read_settings(directory, environment, given)
        log.set_level(settings["log.level"])
        if os.geteuid() == 0 and not settings["allow_superuser"]:
            raise ConfigurationError("Logstash cannot be run as superuser.")
        pipelines = read_pipelines(directory, environment, settings)
    except ConfigurationError as error:
        _runner.fatal("An unexpected error occurred!", error=str(error))
        _runner.fatal("Logstash stopped processing because of an error: (SystemExit) exit")
        return 1
    if settings["config.test_and_exit"]:
        return _test(pipelines, environment)
    return _run(settings, pipelines, environment)


def _test(pipelines: list[Settings], environment: dict[str, str]) -> int:
    for one in pipelines:
        try:
            Program(*read_config(one), one["pipeline.id"], environment)
        except ConfigurationError as error:
            _runner.fatal(
                "The given configuration is invalid. Reason: " + str(error),
                **{"pipeline.id": one["pipeline.id"]},
            )
            return 1
    print("Configuration OK")
    _runner.info("Using config.test_and_exit mode. Config Validation Result: OK. Exiting Logstash")
    return 0


def _lock(data: Path) -> TextIO:
    """Lock the data directory: two processes would read the same queue."""
    try:
        data.mkdir(parents=True, exist_ok=True)
        handle = (data / ".lock").open("w")
    except OSError as error:
        raise ConfigurationError(
            f'Path "{data}" must be a writable directory. It is not writable. ({error.strerror})'
        ) from error
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        raise ConfigurationError(
            "Logstash could not be started because there is already another "
            "instance using the configured data directory."
        ) from error
    return handle


def _node_id(data: Path) -> str:
    file = data / "uuid"
    if not file.is_file():
        file.write_text(str(uuid.uuid4()))
    return file.read_text().strip()


def _start(one: Settings, environment: dict[str, str]) -> Pipeline | None:
    name = one["pipeline.id"]
    pipeline = None
    try:
        pipeline = Pipeline(one, environment)
        pipeline.start()
        return pipeline
    except ConfigurationError as error:
        _agent.error(
            "Failed to execute action",
            action=f"PipelineAction::Create<{name}>",
            exception="LogStash::ConfigurationError",
            message=str(error),
        )
    except PipelineError as error:
        Logger("logstash.javapipeline", name).error(
            "Pipeline error", pipeline_id=name, exception=f"LogStash::ConfigurationError: {error}"
        )
        _agent.error(
            "Failed to execute action",
            action=f"PipelineAction::Create<{name}>",
            message=f"Could not execute action: PipelineAction::Create<{name}>, "
            "action_result: false",
        )
    except OSError as error:
        _agent.error(
            "Failed to execute action",
            action=f"PipelineAction::Create<{name}>",
            exception=type(error).__name__,
            message=str(error),
        )
    return None


def _run(settings: Settings, pipelines: list[Settings], environment: dict[str, str]) -> int:
    _runner.info(
        "Starting Logstash stand-in (imitates Logstash for the lab)",
        **{"logstash.version": VERSION, "python.version": sys.version.split()[0]},
    )
    wake = threading.Event()
    stop = threading.Event()

    def on_signal(_number: int, _frame: Any) -> None:
        stop.set()
        wake.set()

    signal.signal(signal.SIGTERM, on_signal)
    signal.signal(signal.SIGINT, on_signal)
    data = Path(settings["path.data"])
    try:
        lock_file = _lock(data)
        monitor = api.Monitor(settings, _node_id(data), [one["pipeline.id"] for one in pipelines])
        server = api.serve(monitor, settings) if settings["api.enabled"] else None
    except ConfigurationError as error:
        _runner.fatal("An unexpected error occurred!", error=str(error))
        return 1
    if server:
        _agent.info("Successfully started Logstash API endpoint", port=server.server_address[1])
    # As in Logstash, the API answers before the ports are open.
    wake.wait(Pace.of(environment).start)
    for one in pipelines:
        if not stop.is_set():
            monitor.pipelines[one["pipeline.id"]] = _start(one, environment)
    running = [one for one in monitor.pipelines.values() if one]
    _agent.info(
        "Pipelines running",
        count=len(running),
        running_pipelines=", ".join(one.id for one in running),
    )
    code = 0
    while not stop.is_set():
        running = [one for one in running if not one.failed.is_set()]
        if not running:
            code = 1
            break
        wake.wait(1)
    if stop.is_set():
        _runner.warn("SIGTERM received. Shutting down.")
    try:
        for _name, pipeline in monitor.pipelines.items():
            if pipeline:
                pipeline.stop()
    except ForcedQuitError:
        # The queue stays as it is on the disk, as after a kill.
        _runner.fatal("Forcefully quitting Logstash ...")
        sys.stdout.flush()
        os._exit(1)
    if server:
        server.shutdown()
    if code:
        _runner.fatal("Logstash stopped processing because of an error: (SystemExit) exit")
    else:
        _runner.info("Logstash shut down.")
    lock_file.close()
    # Threads that wait for a socket must not keep the process alive.
    sys.stdout.flush()
    os._exit(code)
