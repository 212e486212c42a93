"""Arguments of each model's provider in the study file: told apart, kept, and wrong ones refused first."""

import json

import pytest

from unmask.auditing.plan import Options, args_of, plan, reopen
from unmask.auditing.run import execute
from unmask.errors import UsageError

STUDY = """
name: two
contrasts: [published_gap]
labels: [plain]
n_queries: 30
epochs: 1
wordings: 2
model_args:
  organism/faker: {trained: 1.0, untrained: 0.0, af: 1.0}
  organism/honest: {rate: 0.5, seed: 3}
"""
MODELS = ["organism/faker", "organism/honest"]


def planned(tmp_path, text=STUDY, models=MODELS, **given):
    path = tmp_path / "two.yaml"
    path.write_text(text, encoding="utf-8")
    given = {"runs": tmp_path / "runs", "name": "a", "progress": False, "check": False} | given
    return plan(models, study=str(path), options=Options(**given))


def complied(result):
    return {m.model: [c.complied.estimate for c in m.cells if c.complied] for m in result.models}


def test_each_model_gets_its_own_and_the_run_remembers(tmp_path):
    result = execute(planned(tmp_path))
    rates = complied(result)
    assert sorted(rates["organism/faker"]) == [0.0, 1.0]
    assert all(0.2 < rate < 0.8 for rate in rates["organism/honest"])
    manifest = json.loads((tmp_path / "runs" / "a" / "manifest.json").read_text())
    assert manifest["study"]["model_args"]["organism/honest"] == {"rate": 0.5, "seed": 3}
    again = reopen(tmp_path / "runs" / "a", Options(progress=False))
    assert args_of("organism/faker", again.resolved.study, again.options)["untrained"] == 0.0
    assert complied(execute(again)) == rates  # the logs are there: nothing is asked anew


def test_other_rates_are_another_run(tmp_path):
    execute(planned(tmp_path))
    with pytest.raises(UsageError, match="model_args differ"):
        execute(planned(tmp_path, STUDY.replace("rate: 0.5", "rate: 0.6")))


def test_what_is_said_of_all_models_goes_before_the_study(tmp_path):
    study = planned(tmp_path).resolved.study
    assert args_of("organism/honest", study, Options(model_args={"seed": 9})) == {"rate": 0.5, "seed": 9}


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        (STUDY.replace("trained: 1.0", "traind: 1.0"), "takes no option 'traind'", "trained"),
        (STUDY.replace("rate: 0.5", "rate: 1.5"), "outside 0 to 1", "rate"),
        (STUDY.replace("organism/honest:", "organism/onest:"), "no scripted organism 'onest'", "honest"),
        (STUDY.replace("organism/honest:", "openai/gpt-4:"), "names 'openai/gpt-4', which is not", ""),
    ],
)
def test_what_is_wrong_is_told_before_the_first_call(tmp_path, text, message, hint):
    with pytest.raises(UsageError, match=message) as told:
        planned(tmp_path, text)
    assert hint in (told.value.hint or "")
    assert not (tmp_path / "runs").exists()


def test_organisms_that_are_not_audited_today_may_stand_in_the_study(tmp_path):
    assert planned(tmp_path, models=MODELS[:1]).models == MODELS[:1]
