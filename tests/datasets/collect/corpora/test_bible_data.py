"""The format of bible-kjv-text, against an encoder of the tests' own."""

import contextlib
import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hyperbo_datasets.collect.corpora.bible_data import decode
from hyperbo_datasets.errors import CorpusError

TEXT = b"In the beginning God created the heaven and the earth. " * 40


def compressed(text: bytes) -> list[tuple[int, int]]:
    """The codes of the Lempel-Ziv-Welch algorithm, with how many bits each takes."""
    table = {bytes([value]): value for value in range(256)}
    codes, known = [], b""
    entries = 257
    for value in text:
        longer = known + bytes([value])
        if longer in table:
            known = longer
            continue
        codes.append(table[known])
        table[longer] = entries
        entries += 1
        known = bytes([value])
    codes.append(table[known])
    # The decoder's table is one entry behind the encoder's.
    return [(code, max(9, (256 + place).bit_length())) for place, code in enumerate(codes)]


def packed(text: bytes, *, is_last: bool) -> bytes:
    """A window: the codes, smallest bit first; unless it is the last one, the code that clears."""
    codes = compressed(text)
    ending = [] if is_last else [(256, max(9, (256 + len(codes)).bit_length()))]
    digits = "".join(f"{code:0{bits}b}"[::-1] for code, bits in [*codes, *ending])
    return int(digits[::-1], 2).to_bytes(-(-len(digits) // 8), "little")


def data_file(text: bytes, size: int) -> bytes:
    """A whole file of windows of that size."""
    pieces = [text[start : start + size] for start in range(0, len(text), size)]
    windows = [packed(piece, is_last=piece is pieces[-1]) for piece in pieces]
    begin = 92 + 4 * (len(windows) + 1) + 3
    places = [begin]
    for window in windows:
        places.append(places[-1] + len(window))
    title = b"EC02Compressed Data File".ljust(84, b"\0")
    index = struct.pack(f">II{len(places)}I", size, len(windows), *places)
    return title + index + b"\x1f\x9d\x90" + b"".join(windows)


@pytest.mark.parametrize("size", [len(TEXT), 700, 64])
def test_decodes_what_was_encoded(size: int) -> None:
    """Windows of any size give the text back."""
    assert decode(data_file(TEXT, size), "file") == TEXT


def test_codes_of_every_width() -> None:
    """A window long enough that its codes grow from 9 to 15 bits."""
    text = b"".join(b"%d %x;" % (number, number * number) for number in range(6000))
    assert {bits for _, bits in compressed(text)} == {9, 10, 11, 12, 13, 14, 15}

    assert decode(data_file(text, len(text)), "file") == text


@settings(max_examples=25, deadline=None)
@given(st.binary(min_size=1, max_size=400), st.integers(1, 400))
def test_decodes_any_text(text: bytes, size: int) -> None:
    """Every text comes back, those that use a code before it is known included."""
    assert decode(data_file(text, size), "file") == text


def test_code_that_is_used_before_it_is_known() -> None:
    """A run of one letter uses each code while it is being made."""
    assert decode(data_file(b"a" * 50, 50), "file") == b"a" * 50


def test_every_truncation_is_refused() -> None:
    """The index says how long the file is."""
    content = data_file(TEXT, 700)
    for length in range(len(content)):
        with pytest.raises(CorpusError, match=r"bible-kjv-text|within its index|cut off"):
            decode(content[:length], "file")


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2000), st.integers(1, 255))
def test_altered_file_gives_text_or_an_error(place: int, change: int) -> None:
    """A wrong byte may spell other words, but breaks nothing."""
    content = bytearray(data_file(TEXT, 700))
    content[place % len(content)] ^= change
    with contextlib.suppress(CorpusError):
        assert isinstance(decode(bytes(content), "file"), bytes)
