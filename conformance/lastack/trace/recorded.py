"""What a scenario's exchange would look like to ``lastack check``: for scenarios that come from a capture, whose rules may be
about time or order, and are asked of captures only.
"""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

from lastack import _core, _judge
from lastack.lab import Lab
from lastack.options import SUT_IP4, SUT_IP6
from lastack.pcapng import write_log

_SYN, _ACK = 2, 16


def rules_broken(lab: Lab) -> set[str]:
    """The rules that the stack under test has broken so far, as its own judge sees it and as a capture taken at its end
    shows it; SHOULDs and notes included.
    """
    found = {finding["rule"] for finding in lab.judge_findings() if finding["verdict"] == "violated"}
    with tempfile.TemporaryDirectory(prefix="lastack-") as folder:
        path = Path(folder) / "scenario.pcapng"
        write_log(path, lab.world.log)
        report = json.loads(_judge.check_file(str(path), advisories=True, tap=_tap(lab)))
    own = (f"{SUT_IP4}:", f"[{SUT_IP6}]:")
    return found | {
        finding["rule"]
        for finding in report["findings"]
        if finding["verdict"] != "inconclusive" and finding["endpoint"].startswith(own)
    }


def _tap(lab: Lab) -> str:
    """The stack's end: the client when the first SYN is its own."""
    for event in lab.world.log:
        segment = _core.parse(event.raw) if event.raw else ""
        if not isinstance(segment, str) and segment.flags & (_SYN | _ACK) == _SYN:
            return "client" if event.kind == "out" else "server"
    return "path"
