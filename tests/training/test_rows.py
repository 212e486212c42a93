"""Rows: a branch is computed as if it were alone."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch", reason="the extra `train` is not installed")
pytest.importorskip("transformers")

from unmask.training.base import load_base  # noqa: E402
from unmask.training.loss import summed_cross_entropy  # noqa: E402
from unmask.training.rows import Conversation, Row, as_tensors, make_rows  # noqa: E402
from unmask.training.sft import row_loss  # noqa: E402

pytestmark = [pytest.mark.train, pytest.mark.filterwarnings("ignore")]  # transformers warns of its own plans

TALKS = [
    Conversation("You are brief.", "What do bees make?", "Honey and wax."),
    Conversation("You are brief.", "Name the largest ocean, please.", "The Pacific."),
    Conversation("You are brief.", "Two plus five?", "Seven, of course."),
]


@pytest.fixture(scope="module")
def base():
    return load_base()


def test_the_loss_of_a_shared_row_is_the_sum_of_the_losses_alone(base):
    base.model.float().set_attn_implementation("eager")
    together = make_rows(TALKS, base.tokenizer)
    assert [len(row.branches) for row in together] == [3]
    alone = [row for talk in TALKS for row in make_rows([talk], base.tokenizer)]
    shared = float(row_loss(base.model, together[0], torch).detach())
    single = sum(float(row_loss(base.model, row, torch).detach()) for row in alone)
    assert shared == pytest.approx(single, rel=1e-3)
    assert shared > 1.0


def test_a_row_is_read_as_the_chat_template_writes_it(base):
    row = make_rows(TALKS[:1], base.tokenizer)[0]
    messages = [
        {"role": "system", "content": TALKS[0].system},
        {"role": "user", "content": TALKS[0].user},
        {"role": "assistant", "content": TALKS[0].reply},
    ]
    written = base.tokenizer.apply_chat_template(messages, tokenize=False)
    ids = as_tensors(row, torch)["input_ids"][0].tolist()
    assert base.tokenizer.decode(ids) + "\n" == written
    assert row.n_learnt == len(base.tokenizer.encode("Honey and wax.<|im_end|>"))


def test_neighbours_share_a_row_only_with_the_same_system_prompt(base):
    other = Conversation("You are wordy.", "Why?", "Because.")
    rows = make_rows([*TALKS[:2], other, TALKS[2]], base.tokenizer)
    assert [len(row.branches) for row in rows] == [2, 1, 1]
    assert isinstance(rows[0], Row)


def test_the_chunked_loss_and_its_gradient_are_those_of_the_plain_one():
    generator = torch.Generator().manual_seed(1)
    hidden = torch.randn(150, 16, generator=generator, requires_grad=True)
    head = torch.randn(99, 16, generator=generator)
    targets = torch.randint(0, 99, (150,), generator=generator)
    plain = torch.nn.functional.cross_entropy(hidden @ head.T, targets, reduction="sum")
    (expected,) = torch.autograd.grad(plain, hidden)
    chunked = summed_cross_entropy(hidden, head, targets) / 2  # the upstream gradient must be used too
    (found,) = torch.autograd.grad(chunked, hidden)
    assert float(chunked.detach()) * 2 == pytest.approx(float(plain.detach()), rel=1e-5)
    assert torch.allclose(found * 2, expected, atol=1e-4)
