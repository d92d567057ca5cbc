"""The compressed text of Debian's `bible-kjv-text`, decoded without its program.

The file is a header, the places of windows of 64 KiB of text, and the windows: each one a stretch
of the Lempel-Ziv-Welch codes of `compress`, which begins anew with 9 bits a code and ends with the
code that clears the table; only the last one just ends.
"""

import struct
from itertools import pairwise

import numpy as np

from hyperbo_datasets.errors import CorpusError

_TITLE = b"EC02Compressed Data File"
_SIZES = 84
_FIRST_BITS, _LAST_BITS = 9, 16
_CLEAR = 256


def decode(content: bytes, name: str) -> bytes:
    """The text in such a file.

    Args:
        content: The file's content.
        name: What to call it in errors.

    Raises:
        CorpusError: If it is not such a file, or was cut off or altered.
    """
    if not content.startswith(_TITLE) or len(content) < _SIZES + 8:
        raise CorpusError(f"{name} is not the data file of bible-kjv-text (format EC02).")
    size, count = struct.unpack_from(">II", content, _SIZES)
    start = _SIZES + 8
    if len(content) < start + 4 * (count + 1):
        raise CorpusError(f"{name} ends within its index; install it again.")
    places = struct.unpack_from(f">{count + 1}I", content, start)
    if places[-1] != len(content):
        raise CorpusError(
            f"{name} holds {len(content):,} bytes, but its index speaks of {places[-1]:,}; it was "
            "cut off. Install it again."
        )
    windows = [_decode_window(content[begin:end], name) for begin, end in pairwise(places)]
    if not windows or any(len(window) != size for window in windows[:-1]):
        raise CorpusError(f"{name} was cut off or altered; install it again.")
    return b"".join(windows)


def _decode_window(window: bytes, name: str) -> bytes:
    table = [bytes([value]) for value in range(256)] + [b""]
    pieces: list[bytes] = []
    previous = b""
    for code in _codes(window):
        if code == _CLEAR:
            break
        if code < len(table):
            piece = table[code]
        elif code == len(table) and previous:
            # The one code that may be used before it is known: it begins as the last one did.
            piece = previous + previous[:1]
        else:
            raise CorpusError(f"{name} was altered: it holds no such code; install it again.")
        if previous:
            table.append(previous + piece[:1])
        pieces.append(piece)
        previous = piece
    return b"".join(pieces)


def _codes(window: bytes) -> list[int]:
    """A window's codes: as many of each width as the table can grow by before it needs a bit more.

    Groups of eight codes fill whole bytes, and every width has a multiple of eight codes.
    """
    bits = np.unpackbits(np.frombuffer(window, np.uint8), bitorder="little")
    codes: list[int] = []
    for width in range(_FIRST_BITS, _LAST_BITS + 1):
        most = (1 << (width - 1)) if width < _LAST_BITS else bits.size // width
        count = min(most, bits.size // width)
        used, bits = bits[: count * width], bits[count * width :]
        codes += (used.reshape(count, width) @ (1 << np.arange(width))).tolist()
    return codes
