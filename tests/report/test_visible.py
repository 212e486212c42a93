from hypothesis import given
from hypothesis import strategies as st

from tests.report.hostile import ATTACKS
from unmask.report.visible import is_plain, one_line, visible


@given(st.text(alphabet=st.characters(codec="utf-16", exclude_categories=["Co"])))
def test_nothing_that_acts_is_left(text):
    assert is_plain(visible(text).replace("\u00ad", "")) or _only_letters_like(visible(text))


def _only_letters_like(text):
    """Arabic and other number signs are format characters (Cf) that print: they are text."""
    printing = {0x600, 0x601, 0x602, 0x603, 0x604, 0x605, 0x6DD, 0x70F, 0x890, 0x891, 0x8E2, 0x110BD, 0x110CD}
    printing |= {*range(0x13430, 0x13440), *range(0x1BCA0, 0x1BCA4), *range(0x1D173, 0x1D17B)}
    return is_plain("".join(c for c in text if ord(c) not in printing))


@given(st.text())
def test_once_is_enough(text):
    assert visible(visible(text)) == visible(text)


def test_what_was_hidden_is_named():
    assert visible("a\x1b[31mb\u202ec\x00") == "a⟦ESC⟧[31mb⟦U+202E⟧c⟦NUL⟧"
    assert visible("a\r\nb\tc\u200d") == "a\nb\tc\u200d"


def test_piles_of_marks_stay_within_their_line():
    assert len(visible("Z" + "\u0301" * 60)) == 5


def test_one_line_is_one_line_and_not_longer_than_asked():
    for attack in ATTACKS:
        assert "\n" not in one_line(attack)
        assert len(one_line(attack, 20)) <= 20
