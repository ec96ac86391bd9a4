"""The question before all others: does a stack complete a handshake at all? A run against a stack that does not stops
here.
"""

from __future__ import annotations

from lastack.errors import AdapterBroken, CallError, Mismatch, Unavailable, Unsupported
from lastack.lab import Lab
from lastack.sut.carrier import Carrier


def sanity(carrier: Carrier) -> None:
    """Opens a listener and completes a handshake with it. Raises ``Unavailable`` with the reason when that fails."""
    name = carrier.hello.name
    try:
        Lab(carrier).established()
    except Mismatch as error:
        raise Unavailable(f"{name} does not complete a plain handshake, so nothing else was run:\n{error}") from error
    except (CallError, Unsupported) as error:
        raise Unavailable(f"{name} does not complete a plain handshake, so nothing else was run: {error}") from error
    except AdapterBroken as error:
        raise Unavailable(str(error)) from error
