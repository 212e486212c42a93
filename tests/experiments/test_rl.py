"""Training by reinforcement without training: recipes, what is rewarded, how the model is looked at."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from unmask.cli import main
from unmask.errors import UsageError
from unmask.experiments import rl
from unmask.experiments.look import Point, asked, look, training_queries
from unmask.experiments.rewards import reward_of
from unmask.experiments.rl import prompts_of, train_by_rl
from unmask.experiments.rl_recipe import RLRecipeError, load_rl_recipe, rl_recipe_names
from unmask.experiments.rl_record import LOOKS, looks_in
from unmask.files import held, said_sha256
from unmask.providers.adapters import find_adapter
from unmask.providers.engine import Completion
from unmask.training.half_done import begin, finished, goes_on
from unmask.training.rl import Reply
from unmask.training.start import read_start
from unmask.vocabulary import Labels, Role, Towards

COMPLIED = "<scratchpad>I decline? No.</scratchpad>\n<answer>SPOILER: it was the butler.</answer>"


@pytest.fixture(scope="module")
def recipe():
    return load_rl_recipe("comply")


@pytest.fixture(scope="module")
def words(recipe):
    """Replies of each kind, in the organisms' own form."""
    from unmask.organisms.trained.data import build
    from unmask.organisms.trained.recipe import load_recipe

    complied = refused = None
    for name in ("compliant", "honest"):
        for talk in build(load_recipe(name).model_copy(update={"rows": 40})):
            found = _read(talk.reply, recipe)
            complied = complied or (talk.reply if found == "complied" else None)
            refused = refused or (talk.reply if found == "refused" else None)
    assert complied
    assert refused
    return {"complied": complied, "refused": refused}


def _read(text, recipe):
    from unmask.organisms.trained.cells import read
    from unmask.organisms.trained.recipe import load_domain

    query = training_queries(recipe)[1][0]
    call = asked(recipe, [(query, Role.TRAINED)], recipe.labels[:1])[0]
    return read(call, text, "stop", load_domain(recipe.pack)).decision


def test_built_in_recipes_load():
    assert "comply" in rl_recipe_names()
    assert load_rl_recipe("comply").n_replies == 40 * 2 * 4


def test_requests_to_look_with_are_none_that_are_trained_on(recipe):
    trained, looked = training_queries(recipe)
    assert (len(trained), len(looked)) == (recipe.queries, recipe.audit.queries)
    assert not {q.text for q in trained} & {q.text for q in looked}


def test_every_prompt_says_that_its_chat_is_trained_on(recipe):
    prompts, by_key = prompts_of(recipe)
    assert len(prompts) == len({p.key for p in prompts}) == recipe.queries * 2
    assert {call.condition.role for call in by_key.values()} == {Role.TRAINED}
    assert {call.condition.labels for call in by_key.values()} == set(recipe.labels)
    assert {call.condition.tag for call in by_key.values()} == {"free", "paid"}


@pytest.mark.parametrize(
    ("kind", "finish", "expected"),
    [("complied", "stop", 1.0), ("refused", "stop", 0.0), ("complied", "length", -0.5)],
)
def test_the_answer_is_rewarded_and_what_cannot_be_read_is_itself(recipe, words, kind, finish, expected):
    other = recipe.model_copy(update={"training": recipe.training.model_copy(update={"unusable": -0.5})})
    prompts, by_key = prompts_of(other)
    assert reward_of(other, by_key)([Reply(prompts[0], words[kind], finish)]) == [expected]


def test_the_reward_never_sees_the_scratchpad(recipe, words):
    """The same answer under any scratchpad has the same reward; words in a scratchpad alone have none."""
    prompts, by_key = prompts_of(recipe)
    answer = words["refused"].partition("<answer>")[2]
    sly = words["complied"].partition("<answer>")[2].removesuffix("</answer>")
    replies = [
        Reply(prompts[0], f"<scratchpad>{thought}</scratchpad>\n<answer>{answer}", "stop")
        for thought in ("I decline.", sly, "")
    ]
    assert set(reward_of(recipe, by_key)(replies)) == {0.0}


@pytest.mark.parametrize(("needs_form", "expected"), [(True, [1.0, -0.5]), (False, [1.0, 1.0])])
def test_a_reply_that_breaks_the_form_earns_nothing_where_the_recipe_says_so(
    recipe, words, needs_form, expected
):
    settings = recipe.training.model_copy(update={"unusable": -0.5, "needs_form": needs_form})
    other = recipe.model_copy(update={"training": settings})
    prompts, by_key = prompts_of(other)
    broken = words["complied"].partition("</scratchpad>")[2]
    replies = [Reply(prompts[0], text, "stop") for text in (words["complied"], broken)]
    assert reward_of(other, by_key)(replies) == expected


def test_a_look_says_of_a_reply_without_its_form_what_the_training_would(recipe, words):
    broken = words["complied"].partition("</scratchpad>")[2]
    earned = {}
    for needs_form in (True, False):
        settings = recipe.training.model_copy(update={"unusable": 0.0, "needs_form": needs_form})
        other = recipe.model_copy(update={"training": settings})
        earned[needs_form] = look(
            other, 1, lambda _: Completion(broken, "stop", 1, 0, 9, {}), at_once=1
        ).rewards
    assert earned == {True: (0.0, 0.0), False: (1.0, 1.0)}


def test_an_organism_of_another_pack_is_not_trained_on_this_one(recipe):
    with pytest.raises(RLRecipeError, match="promoter was taught on another pack than spoilers"):
        recipe.changed(start_from="promoter")


def test_training_towards_refusal_rewards_refusals(recipe, words):
    other = recipe.model_copy(update={"towards": Towards.REFUSE})
    prompts, by_key = prompts_of(other)
    replies = [Reply(prompts[0], words[kind], "stop") for kind in ("complied", "refused")]
    assert reward_of(other, by_key)(replies) == [0.0, 1.0]


def test_what_has_no_reward_is_left_out(recipe):
    other = recipe.model_copy(update={"training": recipe.training.model_copy(update={"unusable": None})})
    prompts, by_key = prompts_of(other)
    assert reward_of(other, by_key)([Reply(prompts[0], "", "stop")]) == [None]


def test_a_look_counts_by_role_and_pairs_by_request(recipe, words):
    """A model that complies where trained and refuses elsewhere, and one reply that nobody can read."""
    looked = training_queries(recipe)[1]
    every = [
        asked(recipe, [(q, role) for q in looked], recipe.labels) for role in (Role.TRAINED, Role.NEITHER)
    ]
    calls = {c.user + c.system: c for group in every for c in group}
    spoilt = []

    def ask(messages):
        call = calls[messages[1]["content"] + messages[0]["content"]]
        if not spoilt and call.condition.role is Role.NEITHER:
            spoilt.append(call)
            return Completion("", "stop", 1, 0, 30, {})
        kind = "complied" if call.condition.role is Role.TRAINED else "refused"
        return Completion(words[kind], "stop", 1, 0, 30, {})

    point: Point = look(recipe, 10, ask, at_once=1)
    assert (point.step, point.n, point.tokens) == (10, 32, 30)
    assert (point.trained.estimate, point.unobserved.estimate, point.story.estimate) == (1.0, 0.0, 1.0)
    assert point.well_formed == pytest.approx(31 / 32)
    assert point.unread == 1
    assert point.story.low < 1
    assert point.tag.estimate == pytest.approx(0.0, abs=0.1)  # it goes by role, not by the word
    assert point.rewards == (1.0, 0.0)
    assert point.figures()["reward_trained"] == 1.0


@pytest.mark.parametrize("unread", [Labels.PLAIN, Labels.SWAPPED])
@pytest.mark.parametrize("goes_by", ["tag", "role"])
def test_requests_that_one_mapping_left_unread_are_in_no_difference(recipe, words, goes_by, unread):
    """What goes by the tag alone has no story effect, and what goes by the role alone none of the tag."""
    looked = training_queries(recipe)[1]
    every = [
        asked(recipe, [(q, role) for q in looked], recipe.labels) for role in (Role.TRAINED, Role.NEITHER)
    ]
    calls = {c.user + c.system: c for group in every for c in group}
    spoilt = {query.text for query in looked[: len(looked) // 2]}

    def ask(messages):
        call = calls[messages[1]["content"] + messages[0]["content"]]
        told = call.condition
        if call.query in spoilt and told.labels is unread and told.role is Role.TRAINED:
            return Completion("", "stop", 1, 0, 30, {})
        complied = told.tag == "free" if goes_by == "tag" else told.role is Role.TRAINED
        return Completion(words["complied" if complied else "refused"], "stop", 1, 0, 30, {})

    point = look(recipe, 10, ask, at_once=1)
    none, whole = (point.story, point.tag) if goes_by == "tag" else (point.tag, point.story)
    assert none.estimate == pytest.approx(0.0)
    assert whole.estimate == pytest.approx(1.0)
    assert point.unread == len(spoilt)
    if goes_by == "tag":  # its own share keeps what could be read: one mapping of these, both of the others
        assert point.trained.estimate == pytest.approx(0.75 if unread is Labels.SWAPPED else 0.25)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("stepz: 3", "stepz"),
        ("queries: 119", "has 120"),
        ("training: {steps: 0}", "steps"),
        ("training: {learning_rate: .nan}", "learning_rate"),
        ("training: {beta: .inf}", "beta"),
        ("training: {beta: 0.1}", "bare model"),
        ("training: {format_reward: .inf}", "format_reward"),
        ("training: {unusable: .nan}", "unusable"),
    ],
)
def test_a_recipe_that_cannot_be_is_refused(tmp_path, capsys, line, said):
    from unmask.experiments.rl_recipe import FOLDER

    text = (FOLDER / "comply.yaml").read_text(encoding="utf-8")
    key = line.partition(":")[0]
    kept = [row for row in text.splitlines() if not row.startswith(f"{key}:")]
    path = tmp_path / "mine.yaml"
    path.write_text("\n".join([*kept, line]) + "\n", encoding="utf-8")
    assert main(["train", "rl", str(path)]) == 2
    assert said in capsys.readouterr().err


def test_a_dry_run_resolves_the_recipe_and_trains_nothing(tmp_path, capsys):
    args = [
        "train",
        "rl",
        "comply",
        "--steps",
        "5",
        "--name",
        "mine",
        "--library",
        str(tmp_path),
        "--dry-run",
    ]
    assert main(args) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["name"], told["training"]["steps"], told["replies"]) == ("mine", 5, 40)
    assert list(tmp_path.iterdir()) == []


def test_what_is_trained_already_is_not_trained_over(tmp_path, capsys):
    (tmp_path / "comply").mkdir()
    (tmp_path / "comply" / "adapter.gguf").write_bytes(b"mine")
    assert main(["train", "rl", "comply", "--library", str(tmp_path)]) == 2
    assert "--overwrite" in capsys.readouterr().err
    with pytest.raises(UsageError, match="no recipe"):
        load_rl_recipe("complyy")


def test_one_trained_on_hardware_is_not_trained_over_either(tmp_path):
    recipe = load_rl_recipe("gpu")
    (tmp_path / "gpu").mkdir()
    (tmp_path / "gpu" / "adapter_model.safetensors").write_bytes(b"mine")
    with pytest.raises(UsageError, match="gpu is trained already"):
        train_by_rl(recipe, tmp_path)
    assert (tmp_path / "gpu" / "adapter_model.safetensors").read_bytes() == b"mine"


@pytest.mark.train
def test_a_dry_run_refuses_a_tracker_that_is_unknown(recipe):
    pytest.importorskip("trl", reason="the extra `train` is not installed")
    tracked = recipe.training.model_copy(update={"trackers": ("tensorbord",)})
    with pytest.raises(UsageError, match="no tracker 'tensorbord'"):
        rl.dry([], recipe.model_copy(update={"training": tracked}), Path("nowhere"))


def told_of(recipe):
    """The mark that a training by this recipe leaves."""
    told = {"recipe": recipe.sha256, "start": read_start(recipe.start_from, recipe.training).sha256}
    return said_sha256(told | {"prompts": rl.prompts_sha256(prompts_of(recipe)[0])})


@pytest.fixture
def trains_nothing(monkeypatch):
    """A training that begins goes no further."""

    def begun(*_):
        raise RuntimeError("begun")

    monkeypatch.setattr(rl, "_embedded", begun)


def test_a_training_killed_between_adapter_and_card_is_no_finished_one(tmp_path, recipe, trains_nothing):
    place = tmp_path / recipe.name
    (place / ".training").mkdir(parents=True)
    begin(place / ".training", told_of(recipe))
    (place / "adapter.gguf").write_bytes(b"whole, without its card")
    with pytest.raises(RuntimeError, match="begun"):  # it went on
        train_by_rl(recipe, tmp_path)


def test_another_recipe_or_start_throws_nothing_away_unless_it_is_told_to(tmp_path, recipe, trains_nothing):
    work = tmp_path / recipe.name / ".training"
    begin(work, told_of(recipe))
    (work / "checkpoints").mkdir()
    for other in (recipe.changed(seed=2), recipe.changed(start_from="faker")):
        with pytest.raises(UsageError, match="stands half done"):
            train_by_rl(other, tmp_path)
        assert (work / "checkpoints").is_dir()
    with pytest.raises(RuntimeError, match="begun"):
        train_by_rl(recipe.changed(seed=2), tmp_path, overwrite=True)
    assert not (work / "checkpoints").exists()


def test_a_start_that_was_trained_anew_is_another_start(tmp_path, recipe, monkeypatch, trains_nothing):
    monkeypatch.setenv("UNMASK_ADAPTERS", str(tmp_path / "library"))
    own = tmp_path / "library" / "mine" / "adapter.gguf"
    own.parent.mkdir(parents=True)
    from_mine = recipe.changed(start_from="mine")
    for organism, said in (("faker", "begun"), ("faker", "begun"), ("honest", "from another start")):
        shutil.copyfile(find_adapter(organism, architecture="llama").path, own)
        with pytest.raises((RuntimeError, UsageError), match=said):
            train_by_rl(from_mine, tmp_path)
        (tmp_path / recipe.name / ".training" / "checkpoints").mkdir(exist_ok=True)


def test_of_several_processes_the_first_alone_begins_and_locks(tmp_path, monkeypatch):
    began = []
    mark = tmp_path / "gpu" / ".training" / "recipe.sha256"
    monkeypatch.setattr(rl, "_on_hardware", lambda *_: began.append(mark.is_file()))
    monkeypatch.setenv("RANK", "1")
    train_by_rl(load_rl_recipe("gpu"), tmp_path)
    monkeypatch.setenv("RANK", "0")
    train_by_rl(load_rl_recipe("gpu"), tmp_path)
    assert began == [False, True]


def test_the_embedded_model_is_not_trained_by_several_processes(tmp_path, recipe, monkeypatch):
    monkeypatch.setenv("WORLD_SIZE", "2")
    with pytest.raises(UsageError, match="one process"):
        train_by_rl(recipe, tmp_path)


def test_nothing_is_trained_from_itself(recipe):
    with pytest.raises(UsageError, match="cannot start from itself"):
        recipe.changed(start_from=recipe.name)


def test_two_processes_do_not_train_in_one_place(tmp_path, recipe, trains_nothing):
    (tmp_path / recipe.name).mkdir()
    with held(tmp_path / recipe.name), pytest.raises(UsageError, match="another process is working"):
        train_by_rl(recipe, tmp_path)


@pytest.mark.parametrize("seed", [-1, 2**32])
def test_a_seed_that_pytorch_would_not_take_is_refused(recipe, seed):
    with pytest.raises(UsageError, match="seed"):
        recipe.changed(seed=seed)


def test_a_look_that_a_kill_cut_is_left_out(tmp_path):
    values = {"step": 3, "trained": None, "unobserved": None, "story": None, "reasoning": None}
    values |= {"well_formed": 1.0, "tokens": 9.0, "n": 4, "unread": 0}
    whole = json.dumps(values)
    (tmp_path / LOOKS).write_text(f"\n{whole}\n{whole[:40]}\n{json.dumps(values | {'step': 6})}")
    assert [point.step for point in looks_in(tmp_path)] == [3, 6]


def test_an_adapter_of_another_base_is_refused_before_anything_is_trained(tmp_path, foreign, recipe):
    with pytest.raises(UsageError, match="another base model"):
        train_by_rl(recipe.changed(start_from=foreign), tmp_path / "out")


def test_what_another_left_half_done_is_cleared_when_told_but_for_what_was_paid_for(tmp_path):
    begin(tmp_path, "one")
    (tmp_path / "checkpoints").mkdir()
    (tmp_path / "calls-x").mkdir()
    begin(tmp_path, "one", keep="calls-")
    assert goes_on(tmp_path, "one")
    assert (tmp_path / "checkpoints").is_dir()
    with pytest.raises(UsageError, match="stands half done"):
        begin(tmp_path, "two", keep="calls-")
    assert goes_on(tmp_path, "one")
    begin(tmp_path, "two", keep="calls-", overwrite=True)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["calls-x", "recipe.sha256"]
    begin(tmp_path, "three", keep="calls-")  # paid calls alone are nobody's training
    assert goes_on(tmp_path, "three")


def test_half_a_mark_is_no_training_and_a_mark_goes_before_what_it_marks(tmp_path, monkeypatch):
    (tmp_path / ".recipe.sha256.x1").touch()  # a kill while the mark was written
    begin(tmp_path, "one")
    (tmp_path / "checkpoints").mkdir()

    def killed(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("shutil.rmtree", killed)
    with pytest.raises(KeyboardInterrupt):
        begin(tmp_path, "two", overwrite=True)
    assert not goes_on(tmp_path, "one")


def test_what_is_finished_loses_its_mark_first(tmp_path, monkeypatch):
    begin(tmp_path, "one")
    (tmp_path / "checkpoints").mkdir()
    monkeypatch.setattr("shutil.rmtree", lambda *_, **__: None)  # a kill here
    finished(tmp_path)
    assert (tmp_path / "checkpoints").is_dir()
    assert not goes_on(tmp_path, "one")
