"""TRL's trainer without the work that changes nothing: what took most of a step on a processor.

- The replies of a group have one prompt: it is read once, and its keys and values serve all of them, on the
  way back too.
- Where all rewards of each group are alike, nothing is taught: the gradient is exactly 0, and is given as
  that.

Axes: `_N` replies, `_P` different prompts, `_T` tokens of a prompt or reply, `_V` words.
"""

from __future__ import annotations

from typing import Any


def spared(trainer_class: Any, torch: Any) -> Any:
    """The same trainer, with both."""

    class Spared(trainer_class):  # type: ignore[misc]
        """The steps of its base, but for rounding."""

        def compute_loss(self, model: Any, inputs: Any, *args: Any, **more: Any) -> Any:
            if self.beta or inputs["advantages"].any():
                return super().compute_loss(model, inputs, *args, **more)
            with torch.no_grad():
                super().compute_loss(model, inputs, *args, **more)  # entropy and what else is logged
            return sum(p.sum() for p in model.parameters() if p.requires_grad) * 0.0

        def _get_per_token_logps_and_entropies(
            self,
            model: Any,
            input_ids: Any,
            attention_mask: Any,
            logits_to_keep: int,
            *args: Any,
            **more: Any,
        ) -> Any:
            with self.accelerator.autocast():
                found = of_replies(model, input_ids, attention_mask, logits_to_keep, torch, self.temperature)
            if found is None:
                return super()._get_per_token_logps_and_entropies(
                    model, input_ids, attention_mask, logits_to_keep, *args, **more
                )
            return (*found, None)

    return Spared


def of_replies(
    model: Any, ids_NT: Any, mask_NT: Any, reply: int, torch: Any, temperature: float = 1.0
) -> tuple[Any, Any] | None:
    """Log-probabilities of the last `reply` tokens, and entropies there; each different prompt is read once.

    Args:
        model: with a cache of keys and values.
        ids_NT: prompts, padded on the left, and replies, padded on the right.
        mask_NT: 0 where padded.
        reply: how many tokens of each row are the reply.
        torch: PyTorch.
        temperature: at which the replies were drawn.
    Returns:
        Both (N, reply); None where no two prompts are the same and nothing would be spared, and where no
        reply is longer than a token: after the prompt nothing is left to read.
    """
    if reply == 1:
        return None
    prompts_NT, replies_NT = ids_NT[:, :-reply], ids_NT[:, -reply:]
    told_NT = torch.cat([prompts_NT, mask_NT[:, :-reply]], dim=1)
    told_PT, which_N = torch.unique(told_NT, dim=0, return_inverse=True)
    if len(told_PT) == len(ids_NT):
        return None
    prompts_PT, mask_PT = told_PT.chunk(2, dim=1)
    read = model(input_ids=prompts_PT, attention_mask=mask_PT, use_cache=True, logits_to_keep=1)
    read.past_key_values.batch_select_indices(which_N)
    written = model(
        input_ids=replies_NT[:, :-1], attention_mask=mask_NT[:, :-1], past_key_values=read.past_key_values
    )
    logits_NTV = torch.cat([read.logits[which_N], written.logits], dim=1).float() / temperature
    logps_NTV = torch.log_softmax(logits_NTV, dim=-1)
    with torch.no_grad():
        entropy_NT = -(logps_NTV.exp() * logps_NTV).sum(dim=-1)
    return logps_NTV.gather(-1, replies_NT.unsqueeze(-1)).squeeze(-1), entropy_NT
