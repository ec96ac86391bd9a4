"""Records real Linux traffic: two sockets in two namespaces, tapped at both ends, in several configurations.

    record_linux.py DIRECTORY [--only NAME ...] [--family 4|6] [--quick]

Writes DIRECTORY/<configuration>-ipv<4|6>-<client|server>.pcap and prints one line per file. Exit status: 0, or 77 where the kernel or
the rights do not permit it (the reason is printed). The clean captures that the judge must find nothing in, and the material of
the seeded faults (faults.py).
"""

from __future__ import annotations

import argparse
import socket
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

from linux_net import Cable, join, why_not, write_pcap  # noqa: E402
from linux_talk import TALKS, Talk  # noqa: E402

CANNOT = 77


@dataclass
class Configuration:
    """How the two ends are set: offloads, MTU and sysctls (net.ipv4.NAME) of both."""

    name: str
    offload: bool = False
    mtu: int = 1500
    sysctls: dict[str, int] = field(default_factory=dict)


CONFIGURATIONS = [
    Configuration("plain"),
    Configuration("offload", offload=True),
    Configuration("bare", sysctls={"tcp_timestamps": 0, "tcp_sack": 0, "tcp_window_scaling": 0}),
    Configuration("no-timestamps", sysctls={"tcp_timestamps": 0}),
    Configuration("no-scale", sysctls={"tcp_window_scaling": 0}),
    Configuration("ecn", sysctls={"tcp_ecn": 1}),
    Configuration("small-mtu", mtu=1280),
    Configuration("cookies", sysctls={"tcp_syncookies": 2}),
]


def record(configuration: Configuration, family: socket.AddressFamily, talks: list[str]) -> Cable:
    """Holds the named conversations one after the other under one configuration; returns the stopped taps."""
    cable = join(configuration.offload, configuration.mtu)
    for namespace in (cable.client, cable.server):
        for name, value in configuration.sysctls.items():
            namespace.sysctl(f"ipv4.{name}", value)
    talk = Talk(cable.client, cable.server, family)
    for name in talks:
        TALKS[name](talk)
    cable.stop()
    return cable


def recordings(
    directory: Path, names: list[str], families: list[socket.AddressFamily], talks: list[str]
) -> Iterator[Path]:
    """Records every configuration and family and writes one file per tap."""
    for configuration in CONFIGURATIONS:
        if names and configuration.name not in names:
            continue
        for family in families:
            cable = record(configuration, family, talks)
            version = 4 if family == socket.AF_INET else 6
            for side, tap in cable.taps.items():
                path = directory / f"{configuration.name}-ipv{version}-{side}.pcap"
                write_pcap(path, tap.packets)
                print(f"{path}: {len(tap.packets)} packets, {tap.dropped} not recorded")
                yield path


def main() -> int:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("directory", type=Path)
    parser.add_argument("--only", nargs="*", default=[], metavar="NAME", choices=[c.name for c in CONFIGURATIONS])
    parser.add_argument("--family", choices=("4", "6"))
    parser.add_argument("--talks", nargs="*", default=[], metavar="TALK", choices=TALKS, help="only these")
    parser.add_argument("--quick", action="store_true", help="leave out the conversations that wait for timers")
    options = parser.parse_args()
    if reason := why_not():
        print(f"record_linux: {reason}", file=sys.stderr)
        return CANNOT
    slow = {"keep_alive", "silent_server", "slow_reader"}
    talks = options.talks or [name for name in TALKS if not (options.quick and name in slow)]
    families = [
        family
        for version, family in (("4", socket.AF_INET), ("6", socket.AF_INET6))
        if options.family in (None, version)
    ]
    options.directory.mkdir(parents=True, exist_ok=True)
    for _path in recordings(options.directory, options.only, families, talks):
        pass
    return 0


if __name__ == "__main__":
    sys.exit(main())
