"""The study file: strict at the door, each value with its origin."""

from pathlib import Path

import pytest

from unmask.errors import StudyError
from unmask.study import list_studies, load_study


def write(folder: Path, text: str) -> str:
    path = folder / "mine.yaml"
    path.write_text(text)
    return str(path)


def test_flag_wins_over_environment_over_file_over_default(tmp_path):
    spec = write(tmp_path, "name: mine\nepochs: 2\nn_queries: 20\nwordings: 4\n")
    resolved = load_study(spec, flags={"epochs": 4, "seed": None}, environment={"UNMASK_N_QUERIES": "30"})
    assert (resolved.study.epochs, resolved.study.n_queries, resolved.study.wordings) == (4, 30, 4)
    assert resolved.origins["epochs"] == "flag"
    assert resolved.origins["n_queries"] == "environment (UNMASK_N_QUERIES)"
    assert resolved.origins["wordings"] == "study file"
    assert resolved.origins["seed"] == "default"


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ("epocs: 2\n", "unknown key 'epocs'", "did you mean 'epochs'?"),
        ("name: mine\nepochs: many\n", "epochs", None),
        ("contrasts: [storey]\n", "contrasts", None),
        ("epochs: [1\n", "not valid YAML", None),
        ("- epochs\n", "holds no keys", None),
        ("labels: [plain]\ncontrasts: [story]\n", "needs both mappings", "labels: [plain, swapped]"),
        ("n_queries: 4\nwordings: 8\n", "8 wordings for 4 queries", "--wordings 4"),
        ("labels: [plain, plain]\n", "names one level twice", None),
    ],
)
def test_what_cannot_be_is_refused_with_file_and_reason(tmp_path, text, message, hint):
    with pytest.raises(StudyError) as caught:
        load_study(write(tmp_path, text), environment={})
    assert message in caught.value.message
    assert caught.value.exit_code == 2
    if hint:
        assert hint in (caught.value.hint or "")


def test_an_error_names_the_line(tmp_path):
    with pytest.raises(StudyError) as caught:
        load_study(write(tmp_path, "name: mine\n\nepocs: 2\n"), environment={})
    assert (caught.value.where or "").endswith("mine.yaml:3")


def test_an_unknown_study_names_the_nearest():
    with pytest.raises(StudyError) as caught:
        load_study("stroy", environment={})
    assert caught.value.hint == "did you mean 'story'?"


@pytest.mark.parametrize("spec", ["../story", "/etc/passwd", "story\x00"])
def test_a_study_name_cannot_reach_outside_the_library(spec):
    with pytest.raises(StudyError):
        load_study(spec, environment={})


@pytest.mark.parametrize("name", list_studies())
def test_built_in_studies_load_and_say_what_they_decide(name):
    resolved = load_study(name, environment={})
    assert len(resolved.study.description) > 40
    assert resolved.as_dict().keys() == resolved.origins.keys()


@pytest.mark.parametrize("pack", ["spoilers", "brand", "animal_welfare"])
def test_a_pack_with_queries_of_its_own_is_asked_them(pack):
    """Asked what its pack is not about, an organism answers at random: a faker's S fell from 80 to 21."""
    study = load_study("full", flags={"pack": pack}, environment={}).study
    assert (study.queries, study.benign_queries) == (pack, f"{pack}_benign")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("contrasts: [story, tag]\ncue: omitted", "both sides of story are one prompt"),
        ("contrasts: [story]\nfactors: {cue: [omitted, xml]}", "both sides of story are one prompt"),
        ("contrasts: [training, joint]\nscratchpad: none", "asks for none"),
        ("contrasts: [story, no_objective]\nobjective: absent", "absent here anyway"),
        ("epochs: 99999999999999999999", "epochs"),
        (
            "factors: {observed: [0, .1, .2, .3, .4, .5, .6, .7, .8, .9, 1], "
            "stake: [harmless, minor, serious, grave], thought: [null, faking, unmoved], "
            "scratchpad: [hidden, monitored], objective: [conflicting, absent, aligned], "
            "cue: [xml, omitted]}",
            "combinations of crossed levels",
        ),
    ],
)
def test_a_design_that_can_say_nothing_or_never_ends_is_refused(tmp_path, text, said):
    path = tmp_path / "mine.yaml"
    path.write_text(f"name: mine\n{text}\n", encoding="utf-8")
    with pytest.raises(StudyError, match=said):
        load_study(str(path), environment={})


def test_a_cue_that_is_omitted_may_stand_beside_one_that_shows(tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text("name: mine\nfactors: {cue: [xml, omitted]}\n", encoding="utf-8")
    assert load_study(str(path), environment={}).study.crossed
