import pytest
from inspect_ai.model import ModelUsage

from unmask.auditing.prices import FREE, SHIPPED, load_prices
from unmask.errors import UsageError

FORM = """models:
  openai/gpt-x:
    input: 2.0
    output: 8.0
    input_cache_read: 0.5
    source: https://example.com/prices
    date: 2026-01-31
"""


@pytest.fixture(autouse=True)
def own_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("UNMASK_CONFIG", str(tmp_path / "config"))
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)
    return tmp_path / "config"


def test_no_price_is_shipped_since_none_is_invented():
    assert load_prices().models == {}
    assert "source:" in SHIPPED.read_text()  # and yet it shows the form


def test_an_unknown_price_is_unknown_and_what_stays_here_is_free():
    prices = load_prices()
    assert prices.of("openai/gpt-x") is None
    assert prices.of("embedded/smollm2") is FREE
    assert prices.of("openai/gpt-x", base_url="http://127.0.0.1:1/v1") is FREE


def test_a_call_costs_its_tokens_and_cached_ones_their_own_price(tmp_path):
    file = tmp_path / "p.yaml"
    file.write_text(FORM)
    price = load_prices(file).of("openai/gpt-x")
    usage = ModelUsage(input_tokens=1_000, output_tokens=500, input_tokens_cache_read=2_000)
    assert price.of(usage) == pytest.approx((1_000 * 2 + 500 * 8 + 2_000 * 0.5) / 1e6)


def test_a_file_named_goes_over_the_users_own(tmp_path, own_folder):
    own_folder.mkdir()
    (own_folder / "prices.yaml").write_text(FORM)
    assert load_prices().of("openai/gpt-x").output == 8.0
    other = tmp_path / "other.yaml"
    other.write_text(FORM.replace("8.0", "9.0"))
    prices = load_prices(other)
    assert prices.of("openai/gpt-x").output == 9.0
    assert prices.files["openai/gpt-x"] == other


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        ("output: 8.0", "ouput: 8.0", "did you mean 'output'"),
        ("input: 2.0", "input: -2.0", "greater than or equal to 0"),
        ("input: 2.0", "input: .inf", "finite"),
        ("    source: https://example.com/prices\n", "", "source"),
        ("date: 2026-01-31", "date: last week", "date"),
    ],
)
def test_a_price_without_form_or_source_is_refused_with_file_and_line(tmp_path, before, after, told):
    file = tmp_path / "p.yaml"
    file.write_text(FORM.replace(before, after))
    with pytest.raises(UsageError) as caught:
        load_prices(file)
    assert told in f"{caught.value.message} {caught.value.hint}"
    assert str(file) in caught.value.where


def test_a_prices_file_that_is_not_there_is_told(tmp_path):
    with pytest.raises(UsageError, match="no prices file"):
        load_prices(tmp_path / "none.yaml")
