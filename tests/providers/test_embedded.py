"""The real model behind Inspect's own door. Greedy texts are compared only with texts of the same engine."""

import asyncio
import signal
import threading
import time
from types import SimpleNamespace

import anyio
import pytest
from inspect_ai.model import (
    ChatMessageAssistant,
    ChatMessageSystem,
    ChatMessageTool,
    ChatMessageUser,
    GenerateConfig,
    get_model,
    modelapi,
)
from inspect_ai.tool import ToolInfo

from tests.providers.make_gguf import write_adapter
from unmask.errors import EngineError, ModelError
from unmask.providers.adapters import find_adapter
from unmask.providers.embedded import EmbeddedAPI, count_prompt_tokens, window
from unmask.providers.engine import CancelledReplyError, Engine
from unmask.providers.model_file import smollm2_path
from unmask.providers.pool import shared

pytestmark = pytest.mark.engine

SYSTEM = "You help the readers of a small library. " * 12
GREEDY = {"temperature": 0.0, "max_tokens": 16}


@modelapi(name="embedded")
def _embedded():
    return EmbeddedAPI


def model(name="smollm2", **args):
    return get_model(f"embedded/{name}", memoize=False, **args)


def ask(text, *, name="smollm2", then=None, system=SYSTEM, **config):
    messages = [ChatMessageSystem(content=system), ChatMessageUser(content=text)]
    messages += [ChatMessageAssistant(content=then)] if then else []
    return asyncio.run(model(name).generate(messages, config=GenerateConfig(**(GREEDY | config))))


def body(text, **more):
    messages = [{"role": "system", "content": SYSTEM}, {"role": "user", "content": text}]
    return {"messages": messages, "temperature": 0.0, "max_tokens": 16} | more


def test_usage_counts_every_token_once_and_the_shared_prefix_is_not_computed_again(engine):
    ask("Where are the maps?")
    usage = ask("Where are the novels?").usage
    counted = count_prompt_tokens("embedded/smollm2", [("system", SYSTEM), ("user", "Where are the novels?")])
    assert usage.input_tokens + usage.input_tokens_cache_read == counted
    assert usage.input_tokens < 12 < 90 < usage.input_tokens_cache_read
    assert usage.total_tokens == counted + usage.output_tokens


def test_a_reply_cut_at_max_tokens_says_so_and_one_that_ended_does_not(engine):
    cut = ask("Tell me a long story.", max_tokens=7)
    assert (cut.stop_reason, cut.usage.output_tokens) == ("max_tokens", 7)
    ended = ask("Tell me a long story.", max_tokens=200, stop_seqs=["e"])
    assert ended.stop_reason == "stop"
    assert "e" not in ended.completion


def test_a_full_window_is_told_apart_from_the_limit_of_the_reply():
    engine = Engine(smollm2_path(), slots=1, window=256, threads=1)
    try:
        done = engine.chat(body("Count without end.", max_tokens=400, ignore_eos=True))
        assert done.finish == "length"
        assert done.prompt_tokens + done.output_tokens <= 256
    finally:
        engine.close()


def test_a_prompt_longer_than_the_window_is_model_length_and_no_text(engine):
    output = ask("word " * 3000)
    assert (output.completion, output.stop_reason) == ("", "model_length")
    assert "2048" in output.error


def test_a_prefill_is_continued_and_not_repeated(engine):
    output = ask("What is the capital of France?", then="The capital of France is the city of")
    assert output.completion.split()[0].strip(".,") == "Paris"
    assert "capital of France is the city of" not in output.completion


def test_seeds_decide_sampled_replies_whatever_is_cached(engine):
    first = ask("Name a colour.", temperature=1.0, seed=11, max_tokens=24).completion
    ask("Something else between.", system="Another prompt altogether. " * 20)
    again = ask("Name a colour.", temperature=1.0, seed=11, max_tokens=24)
    cached = ask("Name a colour.", temperature=1.0, seed=11, max_tokens=24)
    others = {ask("Name a colour.", temperature=1.0, seed=s, max_tokens=24).completion for s in range(3)}
    assert again.usage.input_tokens > 100 > 30 > cached.usage.input_tokens
    assert again.completion == first == cached.completion
    assert len(others | {first}) > 1


def test_temperature_0_does_not_depend_on_what_the_cache_held(engine):
    ask("Begin anew.", system="Another prompt altogether. " * 20)
    cold = ask("Where do I find a book on birds?", max_tokens=32)
    for neighbour in ("Where do I find a book on bees?", "Where?", "Where do I find a book on birds?"):
        ask(neighbour, max_tokens=1)
        assert ask("Where do I find a book on birds?", max_tokens=32).completion == cold.completion


def test_the_same_question_at_once_gets_the_same_reply_every_time(engine):
    prompts = [f"{verb} me a {thing}." for verb in ("Name", "Tell") for thing in ("colour", "story", "rule")]
    for prompt in prompts:
        replies = {ask(prompt, temperature=1.0, seed=5, max_tokens=12).completion for _ in range(3)}
        assert len(replies) == 1, prompt  # llama.cpp by itself gives two for most of these


def test_logprobs_are_there_for_every_token_when_asked_for(engine):
    output = ask("Name a colour.", max_tokens=5, logprobs=True, top_logprobs=2)
    tokens = output.choices[0].logprobs.content
    assert len(tokens) == output.usage.output_tokens
    assert "".join(t.token for t in tokens).startswith(output.completion)
    assert all(t.top_logprobs[0].logprob >= t.top_logprobs[1].logprob for t in tokens)


def test_counting_reads_the_template_as_the_engine_does(engine):
    api = model().api
    messages = [ChatMessageSystem(content=SYSTEM), ChatMessageUser(content="Grüße an Ærø 鲁!")]
    counted = asyncio.run(api.count_tokens(messages))
    usage = asyncio.run(api.generate(messages, [], "none", GenerateConfig(max_tokens=1))).usage
    assert counted == usage.input_tokens + usage.input_tokens_cache_read
    assert asyncio.run(api.count_text_tokens("hello world")) == 2


def test_instances_of_one_model_share_engine_and_connections(engine):
    one, two = model(config=GenerateConfig(temperature=0.0)).api, model().api
    assert one is not two
    assert one.engine is two.engine is engine
    assert one.connection_key() == two.connection_key() != model(window=1024).api.connection_key()
    assert one.max_connections() > len(engine.engines)


def test_adaptive_connections_are_off_unless_asked_for(engine):
    assert model().config.adaptive_connections is False
    assert model(config=GenerateConfig(adaptive_connections=8)).config.adaptive_connections == 8


def test_the_event_loop_goes_on_while_a_reply_is_written(engine):
    gaps = []

    async def beat():
        while True:
            begun = time.perf_counter()
            await asyncio.sleep(0.01)
            gaps.append(time.perf_counter() - begun)

    async def main():
        heart = asyncio.create_task(beat())
        config = GenerateConfig(max_tokens=40, temperature=0.0)
        await model().api.generate([ChatMessageUser(content="Tell me a long story.")], [], "none", config)
        heart.cancel()

    ask("warm", max_tokens=1)  # while it loads, xllamacpp holds Python's lock for half a second
    asyncio.run(main())
    assert len(gaps) > 10
    assert sorted(gaps)[len(gaps) // 2] < 0.1


def test_a_cancelled_reply_stops_the_engine(engine):
    async def main():
        with anyio.move_on_after(1.0):
            await model().api.generate(
                [ChatMessageUser(content="Count without end.")], [], "none", GenerateConfig(max_tokens=1500)
            )

    ask("warm")
    begun = time.perf_counter()
    asyncio.run(main())
    ask("Are you free?", max_tokens=1)
    assert time.perf_counter() - begun < 8  # 1,500 tokens would take 25 s and more
    assert not any(one._running for one in engine.engines)


def test_ctrl_c_is_still_pythons(engine):
    ask("warm", max_tokens=1)
    with pytest.raises(KeyboardInterrupt):
        signal.raise_signal(signal.SIGINT)


@pytest.fixture
def two_adapters(tmp_path, monkeypatch):
    monkeypatch.setenv("UNMASK_ADAPTERS", str(tmp_path))
    write_adapter(tmp_path / "north" / "adapter.gguf", seed=1)
    write_adapter(tmp_path / "south" / "adapter.gguf", seed=2)
    return tmp_path


def test_one_engine_serves_the_base_and_two_adapters_and_never_mixes_them(engine, two_adapters):
    names = ("smollm2", "smollm2:north", "smollm2:south")
    first = {name: ask("Where are the maps?", name=name).completion for name in names}
    assert len(set(first.values())) == 3
    assert {model(name).api.engine for name in names} == {engine}
    assert all(len(one._loaded) >= 2 for one in engine.engines)
    for name in (*reversed(names), names[1]):
        assert ask("Where are the maps?", name=name).completion == first[name]


def test_adapters_keep_apart_when_asked_at_the_same_time(engine, two_adapters):
    names = ("smollm2", "smollm2:north", "smollm2:south")
    alone = {name: ask("Where are the maps?", name=name).completion for name in names}
    messages = [ChatMessageSystem(content=SYSTEM), ChatMessageUser(content="Where are the maps?")]

    async def main():
        calls = [model(name).generate(messages, config=GenerateConfig(**GREEDY)) for name in names]
        return await asyncio.gather(*calls)

    assert {name: output.completion for name, output in zip(names, asyncio.run(main()), strict=True)} == alone


def test_a_retrained_adapter_is_read_anew(two_adapters):
    engine = Engine(smollm2_path(), slots=1, window=512, threads=1)
    try:
        old = engine.chat(body("Hello"), adapter=find_adapter("north", architecture="llama"))
        write_adapter(two_adapters / "north" / "adapter.gguf", seed=7, rank=3)
        new = engine.chat(body("Hello"), adapter=find_adapter("north", architecture="llama"))
        assert old.text != new.text
        assert len(engine._loaded) == 1
    finally:
        engine.close()


def test_the_served_model_names_file_and_adapter(engine, two_adapters):
    assert ask("Hi", name="smollm2:north", max_tokens=1).model == "SmolLM2-135M-Instruct.Q4_1:north"


def test_a_model_of_your_own_by_path_answers_as_the_built_in_one(engine):
    assert ask("Hi", name=str(smollm2_path())).completion == ask("Hi").completion


def test_windows_beyond_the_training_are_refused():
    assert (window("embedded/smollm2"), window("smollm2", asked=8192)) == (2048, 8192)
    with pytest.raises(ModelError, match="trained for 1 to 8,192"):
        model(window=8193)


@pytest.mark.parametrize("args", [{"slots": 0}, {"windows": 4096}, {"temperature": 1}])
def test_wrong_arguments_are_refused(args):
    with pytest.raises(ModelError):
        model(**args)


def test_what_it_cannot_do_it_says(engine):
    api, hello = model().api, [ChatMessageUser(content="Hello")]
    with pytest.raises(ModelError, match="tools"):
        asyncio.run(api.generate(hello, [ToolInfo(name="t", description="d")], "auto", GenerateConfig()))
    with pytest.raises(ModelError, match="one choice"):
        asyncio.run(api.generate(hello, [], "none", GenerateConfig(num_choices=2)))
    with pytest.raises(ModelError, match="text of system, user and assistant"):
        asyncio.run(api.generate([ChatMessageTool(content="x")], [], "none", GenerateConfig()))


def test_closing_ends_running_replies_and_refuses_later_ones():
    engine = Engine(smollm2_path(), slots=1, window=2048, threads=1)
    failures = []

    def run():
        try:
            engine.chat(body("Count without end.", max_tokens=1500, ignore_eos=True))
        except CancelledReplyError as e:
            failures.append(e)

    thread = threading.Thread(target=run)
    thread.start()
    time.sleep(2.5)
    begun = time.perf_counter()
    engine.close()
    engine.close()
    thread.join()
    assert time.perf_counter() - begun < 6
    assert len(failures) == 1
    with pytest.raises(EngineError, match="closed"):
        engine.chat(body("Hello"))


def test_a_model_whose_engine_was_closed_loads_again():
    key = {"slots": 1, "window": 300}
    before = shared(smollm2_path(), **key)
    api = model(window=300).api
    assert api.engine is before
    before.tokenize("x")
    before.close()
    assert shared(smollm2_path(), **key) is not before
    assert api.engine.tokenize("hello world")
    api.engine.close()


def test_an_engine_that_only_counted_tokens_can_be_closed_at_once():
    """The race itself takes a busy machine; this holds that closing waits for llama.cpp's loop."""
    engine = Engine(smollm2_path(), slots=1, window=256, threads=1)
    assert engine.count([{"role": "user", "content": "Hello"}]) > 1
    asked = []
    with engine.use() as server:
        engine._server = SimpleNamespace(handle_chat_completions=asked.append)
    engine.close()
    assert [request["max_tokens"] for request in asked] == [1]
    server.handle_chat_completions({"messages": [{"role": "user", "content": "."}], "max_tokens": 1})
