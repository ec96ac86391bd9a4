"""Scapy's layers for scenarios: ``from lastack.scapy import IP, TCP``. Only the layers are imported, not ``scapy.all``
(0.3 s less).
"""

from __future__ import annotations

from scapy.layers.inet import ICMP, IP, TCP
from scapy.layers.inet6 import IPv6
from scapy.packet import Raw

__all__ = ["ICMP", "IP", "TCP", "IPv6", "Raw"]
