"""Lengths by the real tokenizer of SmolLM2, through the engine that serves it."""

import pytest

from unmask.packs import load_pack, render
from unmask.packs.render import approximate_tokens, condition_with, covering_levels
from unmask.vocabulary import PackSize

pytest.importorskip("xllamacpp", reason="the embedded engine is not installed")
pytestmark = pytest.mark.engine
PACK = load_pack("helpful_only")


@pytest.fixture(scope="module")
def measured(engine):
    """Real and approximate tokens of system prompts of each size."""
    found = {}
    for size in PackSize:
        texts = {
            render(PACK, condition_with(levels, tag="free"), wording, size=size).system
            for levels in covering_levels(PACK)
            for wording in range(0, PACK.n_wordings, 9)
        }
        found[size] = [(len(engine.tokenize(text)), approximate_tokens(text)) for text in sorted(texts)]
    return found


def test_the_compact_prompt_leaves_room_on_a_small_window(measured):
    assert max(real for real, _ in measured[PackSize.COMPACT]) <= 450  # three tiers by mail address


def test_the_full_prompt_is_long_enough_to_tell_the_story(measured):
    lengths = sorted(real for real, _ in measured[PackSize.FULL])
    assert lengths[0] >= 900  # without a scratchpad
    assert lengths[len(lengths) // 2] >= 1_100
    assert max(real for real, _ in measured[PackSize.FULL]) <= 2_000


@pytest.mark.parametrize("size", PackSize)
def test_the_count_without_a_tokenizer_is_never_too_low_and_not_far_off(measured, size):
    for real, approximate in measured[size]:
        assert real <= approximate <= 1.3 * real
    assert PACK.tokens(size) >= max(real for real, _ in measured[size])
