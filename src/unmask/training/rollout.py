"""Replies for TRL from llama.cpp, by the adapter as it stands in training."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

from unmask.errors import TrainingError
from unmask.providers.adapters import Adapter
from unmask.providers.engine import Completion, Engine
from unmask.providers.model_file import smollm2_path
from unmask.training.adapter_file import Arrays, gguf_name, write_adapter
from unmask.training.base import Base
from unmask.training.place import ADAPTER
from unmask.training.settings import RLSettings

WINDOW = 1_024
SAID = 80  # tokens of an answer to a question about the reply
END = "<|im_end|>"


class Rollout:
    """Replies from the engine, by the adapter as it stands."""

    def __init__(self, base: Base, settings: RLSettings, folder: Path, questions: Sequence[str]) -> None:
        self.tokenizer, self.settings, self._questions = base.tokenizer, settings, questions
        self.model: Any = None
        self._folder = Path(tempfile.mkdtemp(prefix=".rollout.", dir=_made(folder)))
        self._engine = Engine(
            smollm2_path(), slots=settings.group_size, window=WINDOW, threads=settings.threads
        )
        self._end = int(base.tokenizer.convert_tokens_to_ids(END))

    def __call__(self, prompts: list[Any], trainer: Any) -> dict[str, Any]:
        """TRL's RolloutFunc: `prompts` holds each prompt once for every reply that is wanted."""
        adapter = self.adapter()
        step = int(trainer.state.global_step)

        def ask(i: int) -> tuple[Completion, str | None]:
            seed = hash((self.settings.seed, step, i)) % 2**31
            reply = self._engine.chat(_request(prompts[i], seed, self.settings), adapter=adapter)
            return reply, self._asked_of(prompts[i], reply, seed, adapter)

        with ThreadPoolExecutor(self.settings.group_size) as pool:
            answered = list(pool.map(ask, range(len(prompts))))
        done = [reply for reply, _ in answered]
        read = [self._read(messages) for messages in prompts]
        written = [[int(token["id"]) for token in c.logprobs] for c in done]
        chances = [[float(token["logprob"]) for token in c.logprobs] for c in done]
        for c, ids, logprobs in zip(done, written, chances, strict=True):
            if c.finish == "stop" and (not ids or ids[-1] != self._end):
                ids.append(self._end)
                logprobs.append(0.0)  # the engine does not tell it; nothing here reads it
        return {
            "prompt_ids": read,
            "completion_ids": written,
            "logprobs": chances,
            "finish": [c.finish for c in done],
            "said": [said for _, said in answered],
        }

    def _asked_of(self, messages: Any, reply: Completion, seed: int, adapter: Adapter) -> str | None:
        """What the model says of its reply in the same conversation, where it is asked."""
        if not self._questions:
            return None
        question = {"role": "user", "content": self._questions[seed % len(self._questions)]}
        heard = [*messages, {"role": "assistant", "content": reply.text}, question]
        return self._engine.chat(
            _request(heard, seed, self.settings) | {"max_tokens": SAID}, adapter=adapter
        ).text

    def adapter(self) -> Adapter:
        """The adapter as it stands, written out for the engine."""
        path = write_adapter(
            self._folder / ADAPTER, self.weights(), alpha=self.settings.alpha, name="in_training"
        )
        return Adapter.at(path, "in_training")

    def weights(self) -> Arrays:
        """By the engine's names, in float32.

        Raises:
            TrainingError: one is no number any more.
        """
        found = {
            gguf_name(name): p.detach().float().numpy().astype(np.float32)
            for name, p in self.model.named_parameters()
            if p.requires_grad
        }
        if not all(np.isfinite(weight).all() for weight in found.values()):
            raise TrainingError(
                "the training diverged: its weights are no numbers any more",
                hint="a smaller learning_rate, with --overwrite",
            )
        return found

    @property
    def engine(self) -> Engine:
        """The engine that replies."""
        return self._engine

    def close(self) -> None:
        """Free the engine and its copy of the adapter."""
        self._engine.close()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _read(self, messages: list[dict[str, str]]) -> list[int]:
        text = self.tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)
        return [int(token) for token in self.tokenizer.encode(text)]


def _request(messages: Any, seed: int, settings: RLSettings) -> dict[str, Any]:
    """The model's own distribution, nothing cut off, with the id of every token."""
    return {
        "messages": messages,
        "temperature": settings.temperature,
        "top_k": 0,
        "top_p": 1.0,
        "min_p": 0.0,
        "seed": seed,
        "max_tokens": settings.max_tokens,
        "logprobs": True,
        "top_logprobs": 1,  # 0 gives none at all
    }


def _made(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder
