"""Three-way merges lose nothing of either side."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from toolkit_flask.merge import merge, split

LINES = st.lists(st.sampled_from([b"a\n", b"b\n", b"c\n", b"d\n"]), max_size=8).map(b"".join)


@given(LINES, LINES)
def test_what_one_side_alone_changed_is_the_result(base: bytes, changed: bytes) -> None:
    assert merge(base, changed, base).text == changed
    assert merge(base, base, changed).text == changed
    assert merge(base, changed, changed).text == changed


@given(LINES, LINES, LINES)
def test_a_conflict_shows_both_sides_whole(base: bytes, ours: bytes, theirs: bytes) -> None:
    merged = merge(base, ours, theirs)
    marked = merged.text.count(b"<<<<<<< yours\n")
    assert marked == merged.conflicts == merged.text.count(b">>>>>>> new\n")


@given(LINES, st.binary(max_size=20), st.binary(max_size=20))
def test_additions_at_different_places_are_both_kept(
    middle: bytes, first: bytes, last: bytes
) -> None:
    head, tail = b"head\n", b"tail\n"
    new_first = first.replace(b"\n", b"") + b"!\n"
    new_last = last.replace(b"\n", b"") + b"?\n"
    base = head + b"x\n" + middle + b"y\n" + tail
    ours = new_first + base
    theirs = base + new_last
    assert merge(base, ours, theirs).text == new_first + base + new_last


@given(st.binary(max_size=60))
def test_lines_are_split_without_a_loss(raw: bytes) -> None:
    assert b"".join(split(raw)) == raw


def test_the_same_lines_changed_differently_are_a_conflict_with_both() -> None:
    merged = merge(b"a\nb\nc\n", b"a\nours\nc\n", b"a\ntheirs\nc\n", label="v2")
    assert merged.conflicts == 1
    assert merged.text == (b"a\n<<<<<<< yours\nours\n=======\ntheirs\n>>>>>>> v2\nc\n")


def test_a_conflict_at_a_missing_final_line_end_is_still_marked_by_lines() -> None:
    merged = merge(b"a", b"ours", b"theirs")
    assert merged.text == b"<<<<<<< yours\nours\n=======\ntheirs\n>>>>>>> new\n"
