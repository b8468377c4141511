# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the ids of lines cost Elasticsearch.

    python3 tests/bench/ids/run.py                  # in a new lab of one host
    python3 tests/bench/ids/run.py --lab .lab       # on an existing platform

Two indices have the settings and mappings of the role's template, without copies. Each round adds
the same lines to both, to one with ids and to the other without, and the next round begins with the
other one. So other work on the machine affects both equally, and both indices grow: with an id
Elasticsearch looks whether it has the document. Requests are made before the clock starts.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from datetime import date
from pathlib import Path
from statistics import median
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

from lines import Round, ratio_of, requests  # noqa: E402
from measuring import REPORT, WORK, hosts, play, ratio, say, write_section  # noqa: E402

from lab.state import Lab  # noqa: E402

# As many requests at a time as a Logstash with two workers sends.
WORKERS = 2
WITH_IDS, WITHOUT = "bench-ids-with", "bench-ids-without"
BAR = 1.3
HEADING = "## Ids of lines"
TEXT = """\
{heading}

Measured by `tests/bench/ids/run.py` on {today}: {rounds} rounds of {lines:,} lines in bulk requests
of 125, {workers} at a time, with and without `_id` in turn, to one node of the lab with the
settings and mappings of the role. {cores} cores for it and the controller together, load before
the start {load:.1f}.

| | ratio | bar | |
|---|---|---|---|
| Time of the requests, with ids compared with without | {seconds} |
| Processor time of Elasticsearch | {processor} |
| Size on the disk after a merge | {size} |

| | lines a second | processor seconds for 10,000 lines | bytes for a line |
|---|---|---|---|
| with ids | {with_row} |
| without | {without_row} |

The median of all rounds. In the last third, in which the indices are largest, the ratio of the time
is {late:.2f}.
"""


class Target:
    """The Elasticsearch of a lab."""

    def __init__(self, lab: Lab) -> None:
        from elasticsearch import Elasticsearch

        # The lab's inventory keeps the controller's files in the lab's directory.
        password = (lab.directory / "elastic_password").read_text().strip()
        self.client = Elasticsearch(
            f"https://{lab.hosts[0].address}:9200",
            ca_certs=str(lab.directory / "ca.crt"),
            basic_auth=("elastic", password),
            request_timeout=120,
        )

    def request(self, body: bytes) -> None:
        from elasticsearch import ApiError

        while True:
            try:
                answer = self.client.perform_request(
                    "POST",
                    "/_bulk?filter_path=errors",
                    headers={"accept": "application/json", "content-type": "application/x-ndjson"},
                    body=body,
                )
            except ApiError as error:
                # The lab's heap is small. Logstash sends such a request again, too.
                if error.status_code != 429:
                    raise
                time.sleep(0.2)
                continue
            if answer.body["errors"]:
                raise SystemExit("Elasticsearch has refused documents")
            return

    def make(self, name: str) -> None:
        """A new index like one of the role, which no policy rolls over."""
        self.client.indices.delete(index=name, ignore_unavailable=True)
        template = self.client.indices.simulate_index_template(name="syslog-msg-bench")["template"]
        settings: dict[str, Any] = dict(template["settings"]["index"])
        settings.pop("lifecycle", None)
        settings["number_of_replicas"] = 0
        self.client.indices.create(
            index=name, settings={"index": settings}, mappings=template["mappings"]
        )

    def processor_seconds(self) -> float:
        nodes = self.client.nodes.stats(metric="process")["nodes"].values()
        return float(sum(node["process"]["cpu"]["total_in_millis"] for node in nodes)) / 1000

    def size(self, name: str) -> int:
        self.client.indices.forcemerge(index=name, max_num_segments=1)
        self.client.indices.flush(index=name, wait_if_ongoing=True)
        found = self.client.indices.stats(index=name, metric="store")
        return int(found["indices"][name]["primaries"]["store"]["size_in_bytes"])

    def send(self, bodies: list[bytes]) -> tuple[float, float]:
        """Seconds, and processor seconds of Elasticsearch."""
        used, begun = self.processor_seconds(), time.monotonic()
        with ThreadPoolExecutor(WORKERS) as pool:
            list(pool.map(self.request, bodies))
        return time.monotonic() - begun, self.processor_seconds() - used


def measure(target: Target, rounds: int, lines: int) -> tuple[list[Round], list[Round], Round]:
    """Seconds and processor seconds of each round, and the sizes at the end."""
    names = (WITH_IDS, WITHOUT)
    for name in names:
        target.make(name)
    seconds, processor = [], []
    # The first round warms both up and does not count.
    for number in range(rounds + 1):
        found: dict[str, tuple[float, float]] = {}
        for name in names if number % 2 else names[::-1]:
            bodies = requests(number * lines, lines, name, ids=name == WITH_IDS)
            found[name] = target.send(bodies)
        if number:
            seconds.append(Round(found[WITH_IDS][0], found[WITHOUT][0]))
            processor.append(Round(found[WITH_IDS][1], found[WITHOUT][1]))
            say(f"round {number}: {seconds[-1]}")
    sizes = Round(*(float(target.size(name)) for name in names))
    for name in names:
        target.client.indices.delete(index=name)
    return seconds, processor, sizes


def row(seconds: list[float], processor: list[float], size: float, rounds: int, lines: int) -> str:
    return (
        f"{lines / median(seconds):,.0f} | {median(processor) * 10_000 / lines:.2f} | "
        f"{size / ((rounds + 1) * lines):.0f}"
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--lab", type=Path, help="directory of a lab with a platform")
    parser.add_argument("--rounds", type=int, default=20, help="rounds (default 20)")
    parser.add_argument("--lines", type=int, default=10_000, help="lines of a round")
    parser.add_argument("--work", type=Path, default=WORK, help="lab and logs")
    parser.add_argument("--report", type=Path, default=REPORT)
    options = parser.parse_args()
    work = options.work.resolve()
    work.mkdir(mode=0o700, parents=True, exist_ok=True)
    existing = Lab.load(options.lab.resolve()) if options.lab else None
    with nullcontext(existing) if existing else hosts(work / "ids", 1, prepared=True) as lab:
        assert lab is not None
        if not existing:
            play(lab, "site.yml", work / "ids-site.log")
        load = os.getloadavg()[0]
        seconds, processor, sizes = measure(Target(lab), options.rounds, options.lines)

    def half(name: str) -> str:
        return row(
            [getattr(one, name) for one in seconds],
            [getattr(one, name) for one in processor],
            getattr(sizes, name),
            options.rounds,
            options.lines,
        )

    write_section(
        options.report,
        HEADING,
        TEXT.format(
            heading=HEADING,
            today=f"{date.today():%Y-%m-%d}",
            rounds=options.rounds,
            lines=options.lines,
            workers=WORKERS,
            cores=os.cpu_count(),
            load=load,
            seconds=ratio(ratio_of(seconds), BAR),
            processor=ratio(ratio_of(processor), BAR),
            size=ratio(ratio_of([sizes]), BAR),
            with_row=half("with_ids"),
            without_row=half("without"),
            late=ratio_of(seconds[-(-len(seconds) * 2 // 3) :] or seconds),
        ),
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
