"""The attack work in PyRIT: `pyrit_job.py WORKLOAD N` prints one line of JSON.

Its attack executor runs `PromptSendingAttack`, with its memory in SQLite in the process. The search is the same attack
with a converter that draws and as many attempts as it may make until one succeeds, which none does.
"""

from __future__ import annotations

import asyncio
import json
import logging
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))
import attack_work as work


async def main(workload: str, n: int) -> None:
    """Measure one workload."""
    from pyrit.analytics.text_matching import ExactTextMatching
    from pyrit.converter import Base64Converter, RandomCapitalLettersConverter
    from pyrit.executor.attack import (
        AttackConverterConfig,
        AttackExecutor,
        AttackScoringConfig,
        PromptSendingAttack,
    )
    from pyrit.models import Message, construct_response_from_request
    from pyrit.prompt_normalizer import ConverterConfiguration
    from pyrit.prompt_target import PromptTarget
    from pyrit.score import SubStringScorer
    from pyrit.setup import initialize_pyrit_async

    logging.disable(logging.CRITICAL)
    await initialize_pyrit_async("InMemory", load_defaults=False, silent=True)
    asked = judged = 0

    class Instant(PromptTarget):
        async def _send_prompt_to_target_async(self, *, normalized_conversation: list[Message]) -> list[Message]:
            nonlocal asked
            asked += 1
            piece = normalized_conversation[-1].message_pieces[0]
            return [construct_response_from_request(request=piece, response_text_pieces=work.respond(""))]

        def _validate_request(self, *, normalized_conversation: list[Message]) -> None:
            pass

    class Classifier(SubStringScorer):
        async def _score_piece_async(self, *args: Any, **kwargs: Any) -> Any:
            piece = args[0] if args else kwargs["message_piece"]
            nonlocal judged
            judged += 1
            self.said = work.harmful(piece.converted_value) > 0.9
            return await super()._score_piece_async(*args, **kwargs)

    scorer = (Classifier if workload == "classifier" else SubStringScorer)(
        substring=work.SECRET, text_matcher=ExactTextMatching(case_sensitive=True)
    )
    made = {"rule": [Base64Converter()], "search": [RandomCapitalLettersConverter(percentage=40.0)]}.get(workload, [])
    converters = ConverterConfiguration.from_converters(converters=made) if made else []
    attack = PromptSendingAttack(
        objective_target=Instant(),
        attack_converter_config=AttackConverterConfig(request_converters=converters),
        attack_scoring_config=AttackScoringConfig(objective_scorer=scorer),
        max_attempts_on_failure=work.DRAWS - 1 if workload == "search" else 0,
    )
    said = work.search_prompts(n) if workload == "search" else work.prompts(n)
    loop = asyncio.get_running_loop()

    def run() -> int:
        results = asyncio.run_coroutine_threadsafe(_all(AttackExecutor, attack, said), loop).result()
        if workload == "classifier" and judged != n:
            raise SystemExit(f"the classifier judged {judged} of {n} answers: the measurement is void")
        hits = sum(str(result.outcome).endswith("success") for result in results)
        return work.checked(n, asked, hits)

    print(json.dumps(await asyncio.to_thread(work.clocked, run)))


async def _all(executor: Any, attack: Any, said: Any) -> list[Any]:
    return list(await executor(max_concurrency=16).execute_attack_async(attack=attack, objectives=list(said)))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2])))
