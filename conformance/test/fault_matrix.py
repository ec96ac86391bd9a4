"""The systematic part of the seeded faults: every number of every kind of segment, wrong in every way that a stack gets numbers wrong.

    fault_matrix.py CAPTURE [--seeds N] [--kind NAME ...] [--missed]

Each cell is place x field x mistake, for example "FIN: SEQ byte-swapped". A cell applies only where the changed value could be told
from a right one by somebody who knows the whole exchange; what no capture can show is left out where it is defined.
"""

from __future__ import annotations

import random
import sys
from collections.abc import Callable

import faults
from faults import ACK, FIN, RST, SYN, Kind, Packet, Place

MASK = 0xFFFFFFFF
_SEQ, _ACK = 4, 8

# The rules that may convict, by what is wrong.
_DATA_SEQ = (
    "sequence-jump",
    "before-isn",
    "payload-changed",
    "data-beyond-window",
    "data-after-fin",
    "fin-moved",
)
_EMPTY_SEQ = (
    "ack-sequence",
    "unsent-sequence",
    "before-isn",
    "handshake-ack-sequence",
    "data-after-fin",
)
_ACK_NUMBER = ("ack-of-unsent-data", "ack-goes-back", "ack-before-isn", "fin-not-counted", "reset-ack")


# ------------------------------------------------------------------------------------------------------------- places


def _mine(place: Place) -> list[Packet]:
    return [p for p in place[0] if p.flow == place[0][place[1]].flow]


def first_data(place: Place) -> bool:
    """The first octets of a direction."""
    return faults.fresh_data(place) and not any(p.size for p in faults._mine_before(place))


def middle_data(place: Place) -> bool:
    """New data after other data, followed by more."""
    here = place[0][place[1]]
    return (
        faults.fresh_data(place)
        and any(p.size for p in faults._mine_before(place))
        and any(p.size and p.seq != here.seq for p in faults._mine_after(place))
    )


def last_data(place: Place) -> bool:
    """The last new octets of a direction, which sends something after them."""
    return faults.fresh_data(place) and not any(p.size for p in faults._mine_after(place))


def middle_ack(place: Place) -> bool:
    """An empty segment that acknowledges something new, neither the first nor the last."""
    return faults.new_ack(place) and not faults.third_ack(place)


def first_fin(place: Place) -> bool:
    """A FIN without data, sent once, that its sender follows up by something."""
    return (
        faults.bare_fin(place)
        and sum(bool(p.flags & FIN) for p in _mine(place)) == 1
        and bool(faults._mine_after(place))
    )


def fin_with_data(place: Place) -> bool:
    """A FIN with data that its sender follows up by something."""
    return (
        faults.fin(place)
        and place[0][place[1]].size > 0
        and sum(bool(p.flags & FIN) for p in _mine(place)) == 1
        and bool(faults._mine_after(place))
    )


def answer_to_fin(place: Place) -> bool:
    """The ACK of the peer's FIN."""
    return faults.ack_of_fin(place)


def keep_alive(place: Place) -> bool:
    """An empty segment below SND.NXT after a silence."""
    mine = faults._mine_before(place)
    here = place[0][place[1]]
    return (
        faults.pure_ack(place)
        and bool(mine)
        and here.seq == max(p.seq + p.length for p in mine) - 1
        and bool(faults._mine_after(place))
    )


def abort(place: Place) -> bool:
    """A reset of an open connection."""
    return faults.reset_of_connection(place)


# ----------------------------------------------------------------------------------------------------------- mistakes

Mistake = Callable[[Packet, Place, int, random.Random], "int | None"]


def _value(p: Packet, at: int) -> int:
    return p._get("!I", at)


def _plus(delta: int) -> Mistake:
    return lambda p, w, at, r: (_value(p, at) + delta) & MASK


def _swapped(p: Packet, w: Place, at: int, r: random.Random) -> int | None:
    return int.from_bytes(_value(p, at).to_bytes(4, "big"), "little")


def _halves(p: Packet, w: Place, at: int, r: random.Random) -> int | None:
    v = _value(p, at)
    return ((v << 16) | (v >> 16)) & MASK


def _zero(p: Packet, w: Place, at: int, r: random.Random) -> int | None:
    return 0


def _other(p: Packet, w: Place, at: int, r: random.Random) -> int | None:
    return _value(p, 12 - at)


def _random(p: Packet, w: Place, at: int, r: random.Random) -> int | None:
    return r.getrandbits(32)


def _relative(p: Packet, w: Place, at: int, r: random.Random) -> int | None:
    """Counted from the initial sequence number, as analysers show it."""
    syns = [q for q in w[0] if q.flags & SYN and (q.flow == p.flow) == (at == _SEQ)]
    return (_value(p, at) - syns[0].seq) & MASK if syns else None


def _stale(p: Packet, w: Place, at: int, r: random.Random) -> int | None:
    """The value of a segment sent before."""
    older = {_value(q, at) for q in faults._mine_before(w) if not q.flags & SYN}
    now = _value(p, at)
    older = {v for v in older if 0 < (now - v) & MASK < 1 << 30}
    return r.choice(sorted(older)) if older else None


MISTAKES: dict[str, Mistake] = {
    "one too low": _plus(-1),
    "one too high": _plus(1),
    "two too high": _plus(2),
    "2^16 too high": _plus(1 << 16),
    "2^16 too low": _plus(-(1 << 16)),
    "2^24 too high": _plus(1 << 24),
    "2^31 off": _plus(1 << 31),
    "byte-swapped": _swapped,
    "halves swapped": _halves,
    "zero": _zero,
    "of the other direction": _other,
    "relative to the ISN": _relative,
    "random": _random,
    "stale": _stale,
}

# Where a mistake cannot be told from honest behaviour: (place, field, mistake).
UNDECIDABLE = {
    # SND.UNA-1 is what a keep-alive or a window probe carries (MAY-6); SND.NXT is what it might have carried instead.
    ("keep-alive", "SEQ", "one too high"),
    # A reset may take its number from any ACK of the peer (3.5.2).
    ("RST", "SEQ", "stale"),
    # Data that begins at a stale number is a retransmission.
    ("first data", "SEQ", "stale"),
    ("data", "SEQ", "stale"),
    ("last data", "SEQ", "stale"),
    # Nothing follows a reset that could show that the octet was never sent.
    ("RST", "SEQ", "one too high"),
    ("RST", "SEQ", "two too high"),
    ("RST", "ACK", "one too high"),
    ("RST", "ACK", "two too high"),
    ("RST", "ACK", "2^16 too high"),
    ("RST", "ACK", "2^24 too high"),
}

PLACES: dict[str, tuple[Callable[[Place], bool], tuple[str, ...], tuple[str, ...]]] = {
    "SYN-ACK": (faults.syn_ack, (), ("syn-ack-number",)),
    "third ACK": (faults.third_ack, _EMPTY_SEQ, _ACK_NUMBER),
    "first data": (first_data, _DATA_SEQ, _ACK_NUMBER),
    "data": (middle_data, _DATA_SEQ, _ACK_NUMBER),
    "last data": (last_data, _DATA_SEQ, _ACK_NUMBER),
    "pure ACK": (middle_ack, _EMPTY_SEQ, _ACK_NUMBER),
    "FIN": (first_fin, _DATA_SEQ, _ACK_NUMBER),
    "FIN with data": (fin_with_data, _DATA_SEQ, _ACK_NUMBER),
    "ACK of the FIN": (answer_to_fin, _EMPTY_SEQ, _ACK_NUMBER),
    "keep-alive": (keep_alive, _EMPTY_SEQ, _ACK_NUMBER),
    "RST": (abort, ("reset-number",), ("reset-number", *_ACK_NUMBER)),
    "refusal": (faults.refusal, ("reset-of-syn",), ("reset-of-syn",)),
}


def _after(a: int, b: int) -> bool:
    return 0 < (a - b) & MASK < 1 << 31


def _highest(numbers: list[int]) -> int | None:
    highest = numbers[0] if numbers else None
    for number in numbers:
        if highest is not None and _after(number, highest):
            highest = number
    return highest


def _could_be_right(place: Place, at: int, value: int) -> bool:
    """An honest stack may have sent the packet with this value, as far as the two ends' packets show."""
    here = place[0][place[1]]
    mine, theirs = faults._mine_before(place), faults._theirs_before(place)
    if at == _ACK:
        # A receiver may take part of what was sent, and acknowledge that.
        low = _highest([p.ack for p in mine if p.flags & ACK])
        high = _highest([(p.seq + p.length) & MASK for p in theirs])
        return low is not None and high is not None and not _after(low, value) and not _after(value, high)
    if here.flags & RST:
        return any(p.ack == value for p in theirs if p.flags & ACK)
    return False


def _cell(
    at: int, mistake: Mistake
) -> tuple[Callable[[Place], bool], Callable[[Packet, Place, random.Random], int | None]]:
    def fits(place: Place) -> bool:
        here = place[0][place[1]]
        if at == _ACK and not here.flags & ACK:
            return False
        value = mistake(here, place, at, random.Random(0))
        return value is not None and value != _value(here, at) and not _could_be_right(place, at, value)

    def make(p: Packet, place: Place, r: random.Random) -> int | None:
        value = mistake(p, place, at, r)
        assert value is not None
        p.put("!I", at, value)
        return None

    return fits, make


MATRIX: list[Kind] = []


def _register() -> None:
    for place, (where, seq_rules, ack_rules) in PLACES.items():
        for name, at, rules in (("SEQ", _SEQ, seq_rules), ("ACK", _ACK, ack_rules)):
            for mistake, function in MISTAKES.items():
                if rules and (place, name, mistake) not in UNDECIDABLE:
                    fits, make = _cell(at, function)
                    MATRIX.append(Kind(f"{place}: {name} {mistake}", rules, where, make, fits=fits))


_register()

if __name__ == "__main__":
    sys.exit(faults.main(MATRIX, __doc__))
