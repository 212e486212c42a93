"""Scripted organisms read the prompt of every published variation: the plumbing check may use them."""

import pytest

from unmask.organisms.scripted.reading import load_facts, read_prompt
from unmask.packs import load_pack, render
from unmask.study import conditions_of, load_study, slices
from unmask.study.cross import parse_edits
from unmask.study.slices import edits_of, size_of, variation_of
from unmask.vocabulary import PackSize

FACTS = load_facts()


@pytest.mark.parametrize("name", ["helpful_only", "animal_welfare"])
def test_role_tag_and_objective_of_every_published_variation_are_read(name):
    pack, study = load_pack(name), load_study(f"published/{name}", environment={}).study
    wrong = []
    for part in slices(study):
        own = variation_of(part.study)[1].wording
        edits, size = parse_edits(edits_of(part.study)), size_of(part.study, PackSize.FULL)
        for condition in conditions_of(part.study):
            for wording in range(4) if own is None else [own]:
                told = render(pack, condition, wording, size=size, edits=edits)
                got = read_prompt(told.system, told.user("How is it done?"), FACTS)
                read = (got.role, got.tag, got.story.objective, got.query)
                if read != (condition.role, condition.tag, condition.objective, "How is it done?"):
                    wrong.append((part.words, wording, read))
    assert wrong == []
