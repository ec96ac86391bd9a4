"""The options of a laboratory (``@pytest.mark.lab(...)``) and how they become a stack's configuration."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields

from lastack.errors import Unsupported, UsageError
from lastack.sut.carrier import OPTION_WISHES, Configuration, Hello

SUT_IP4, SUT_IP6 = "192.0.2.1", "2001:db8::1"
PEER_IP4, PEER_IP6 = "192.0.2.2", "2001:db8::2"

# What a stack must be capable of when the scenario switches the option on.
_CAPABILITY = {"timestamps": "timestamps", "sack": "sack", "window_scale": "window-scale", "ecn": "ecn"}


@dataclass(frozen=True)
class LabOptions:
    """Everything that a scenario may choose before it begins. The defaults give plain segments and exact numbers.

    Buffers and ``mtu`` in octets, ``msl`` in seconds; None is the stack's default. ``sut_options`` are choices of one
    stack (``name=value``); a stack that does not know one ends the scenario as UNSUPPORTED.
    """

    timestamps: bool = False
    sack: bool = False
    window_scale: bool = False
    delayed_ack: bool = False
    nagle: bool = True
    ecn: bool = False
    ipv6: bool = False
    mtu: int = 1500
    rcv_buf: int | None = None
    snd_buf: int | None = None
    msl: float | None = None
    seed: int | None = None
    sut_options: Mapping[str, object] = field(default_factory=dict)

    @classmethod
    def of(cls, chosen: Mapping[str, object]) -> LabOptions:
        """From the keywords of the marker; an unknown one is a usage error."""
        known = [option.name for option in fields(cls)]
        for name in chosen:
            if name not in known:
                raise UsageError(f"@pytest.mark.lab has no option {name!r}; it has {', '.join(known)}")
        return cls(**chosen)  # type: ignore[arg-type]

    def configuration(self) -> Configuration:
        """The configuration that the stack is created with."""
        wishes: dict[str, object] = {name: int(getattr(self, name)) for name in OPTION_WISHES}
        return Configuration(
            seed=1 if self.seed is None else self.seed,
            ip4=SUT_IP4,
            ip6=SUT_IP6,
            mtu=self.mtu,
            rcv_buf=self.rcv_buf or 0,
            snd_buf=self.snd_buf or 0,
            msl_ms=0 if self.msl is None else round(self.msl * 1000),
            options=",".join(f"{name}={value}" for name, value in {**wishes, **self.sut_options}.items()),
        )

    def check(self, hello: Hello, ignored: tuple[str, ...], chosen: Mapping[str, object]) -> None:
        """Raises ``Unsupported`` when the scenario itself chose something that this stack cannot do."""
        if self.ipv6 and "ipv6" not in hello.caps:
            raise Unsupported(f"{hello.name} has no IPv6")
        for name, capability in _CAPABILITY.items():
            if getattr(self, name) and capability not in hello.caps:
                raise Unsupported(f"{hello.name} has no {capability}")
        for name in ignored:
            if name in chosen:
                raise Unsupported(f"{hello.name} cannot choose {name}={int(getattr(self, name))}")
