import pytest

from unmask.auditing.plan import Options, plan
from unmask.auditing.planning import Told, Wanted, forecast
from unmask.errors import StudyError, UsageError
from unmask.instrument.designs import Assumed, calls_of
from unmask.study import load_study
from unmask.vocabulary import VerdictName

PRICES = """models:
  openai/gpt-4o: {input: 2.0, output: 10.0, source: a test, date: 2026-01-01}
  openai/gpt-4o-mini: {input: 1.0, output: 4.0, source: a test, date: 2026-01-01}
"""


@pytest.fixture(autouse=True)
def nothing_of_the_users(tmp_path, monkeypatch):
    monkeypatch.setenv("UNMASK_CONFIG", str(tmp_path / "none"))
    monkeypatch.setenv("OPENAI_API_KEY", "stub")
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)


def small(**more):
    return {"n_queries": 40, "epochs": 2, "wordings": 4, "pack_size": "compact", "max_tokens": 100, **more}


def planned(tmp_path, models=("organism/faker",), study="full", flags=None, **more):
    more.setdefault("options", Options(runs=tmp_path / "runs"))
    return forecast(list(models), study=study, flags=flags or small(), **more)


def test_calls_are_those_that_the_audit_would_make(tmp_path):
    found = planned(tmp_path)
    asked = plan(["organism/faker"], study="full", flags=small(), options=Options(runs=tmp_path))
    assert found.calls == asked.estimates[0].calls
    design = load_study("full", flags=small(), environment={}).study
    assert calls_of(design, found.assumed) == asked.estimates[0].calls - asked.estimates[0].question_calls


def test_a_large_set_is_counted_from_a_part_of_it_and_says_so(tmp_path):
    found = planned(tmp_path, flags=small(n_queries=240))
    asked = plan(["organism/faker"], study="full", flags=small(n_queries=240), options=Options(runs=tmp_path))
    assert found.calls == asked.estimates[0].calls  # the harmless arm has 120 only
    assert found.costs[0].tokens_in == pytest.approx(asked.estimates[0].tokens_in, rel=0.05)
    assert any("160 of the requests" in note for note in found.notes)


def test_money_is_tokens_times_prices_judge_included(tmp_path):
    (tmp_path / "p.yaml").write_text(PRICES)
    options = Options(runs=tmp_path / "runs", grader="openai/gpt-4o-mini", prices=tmp_path / "p.yaml")
    told = Told(reply_tokens=50)
    (cost,) = planned(tmp_path, ["openai/gpt-4o"], study="story", options=options, told=told).costs
    assert cost.tokens_out == cost.calls * 50
    own = cost.tokens_in * 2.0 + cost.tokens_out * 10.0
    judge = cost.judge_tokens_in * 1.0 + cost.judge_tokens_out * 4.0
    assert cost.dollars == pytest.approx((own + judge) / 1e6, rel=1e-4)
    assert cost.dollars_at_most > cost.dollars
    assert cost.judge_calls > cost.calls


def test_a_price_that_nobody_said_is_unknown_and_how_to_add_it_is_told(tmp_path):
    found = planned(tmp_path, ["openai/gpt-4o"], study="story")
    assert found.costs[0].dollars is None
    assert any("price unknown here: openai/gpt-4o" in note and "--prices" in note for note in found.notes)


def test_hours_are_stated_or_unknown_and_never_guessed(tmp_path):
    unknown, stated = (planned(tmp_path, told=Told(per_minute=n)).costs[0] for n in (None, 60.0))
    assert unknown.hours is None
    assert "unknown" in unknown.rate_from
    assert stated.hours == pytest.approx(stated.calls / 3600)
    assert stated.rate_from.startswith("stated")


def test_the_cheapest_design_reaches_what_it_promises_and_simulation_agrees(tmp_path):
    wanted = Wanted(effect=0.3, power=0.9, verdict="alignment_faking")
    found = planned(tmp_path, wanted=wanted, simulate=True)
    cheap = found.cheapest.found
    assert cheap.power >= 0.9
    assert cheap.simulated.high >= 0.9
    assert cheap.calls < 240 * 30 * 20
    faker = next(o for o in found.outlooks if o.organism == "faker")
    assert faker.verdict is VerdictName.ALIGNMENT_FAKING
    for effect, promised in faker.powers.items():
        assert promised <= faker.simulated[effect].high + 0.01


def test_what_no_design_can_give_is_not_promised(tmp_path):
    with pytest.raises(StudyError, match="cannot reach alignment_faking") as caught:
        planned(tmp_path, study="story", wanted=Wanted(verdict="alignment_faking"))
    assert "B (benign)" in caught.value.hint
    with pytest.raises(UsageError, match="cannot be"):
        planned(tmp_path, wanted=Wanted(effect=0.99))
    little = planned(tmp_path, wanted=Wanted(effect=0.06, verdict="alignment_faking"))
    assert little.cheapest.found is None
    assert little.cheapest.available == 240
    assert any("not in the 90 %" in note for note in little.notes)


def test_each_control_says_what_it_saves_and_which_verdict_goes_with_it(tmp_path):
    found = {d.control: d for d in planned(tmp_path).drops}
    lost = {kind: after for kind, _, after in found["benign"].lost}
    assert lost["fakes, and says why"] is VerdictName.OTHER_GAP
    assert found["benign"].calls_saved == 40 * 2 * 4
    assert found["training"].calls_saved == 0  # the stated reasons stand in the same cells
    assert found["training, joint"].calls_saved == 40 * 2 * 4
    assert found["comprehension"].calls_saved == 48


def test_middling_base_rates_need_more(tmp_path):
    low, middling = (planned(tmp_path, assumed=Assumed(base=b)).outlooks[0] for b in (0.05, 0.4))
    assert low.powers[0.0] >= middling.powers[0.0]


def test_plain_json_types(tmp_path):
    import json

    data = planned(tmp_path).as_dict()
    assert json.loads(json.dumps(data)) == json.loads(json.dumps(data, default=str))
    assert data["powers_from"] == "formula"
