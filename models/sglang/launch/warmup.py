"""The first questions to a new server, so that no listener's caption waits for what they set up.

The first pass of each kind compiles kernels, and what is compiled depends on whether there is sound
and whether there is a hypothesis.
"""

import base64
import io
import random
import struct
import wave
from typing import Any

import aiohttp

from .cards import Role

WITHIN_S = 120.0  # a question; the first n-grams of a machine are compiled by its C++ compiler
PROMPT = "<|im_start|>user\nEnglish: {}<|im_end|>\n<|im_start|>assistant\n"
GROWING = ("The next", "The next train leaves", "The next train leaves from platform five.")
RATE, SECONDS = 16_000, 2


class WarmUpError(Exception):
    """The server is there and does not answer what it should; a sentence."""


async def warm_up(role: Role, url: str, session: aiohttp.ClientSession) -> None:
    """Ask. WarmUpError: an answer was none."""
    if role == "recognizer":
        for _ in range(2):
            answer = await _ask(f"{url}/v1/chat/completions", heard(), session)
            if not _sound(answer):
                raise WarmUpError(
                    "the model hears nothing: its chat template leaves sound out of the prompt"
                )
        return
    hypothesis: list[int] = []
    for text in GROWING:
        answer = await _ask(f"{url}/generate", asked(text, hypothesis), session)
        hypothesis = [token for token in answer.get("output_ids", ()) if isinstance(token, int)]


def asked(text: str, hypothesis: list[int]) -> dict[str, Any]:
    """A sentence that grows, with the last answer as its draft."""
    params: dict[str, Any] = {"max_new_tokens": 12, "temperature": 0, "ignore_eos": True}
    if hypothesis:
        params["custom_params"] = {"draft_token_ids": hypothesis}
    return {"text": PROMPT.format(text), "sampling_params": params}


def heard() -> dict[str, Any]:
    """Two seconds of faint noise: digital silence makes recognizers invent words."""
    data = base64.b64encode(noise()).decode()
    sound = {"type": "input_audio", "input_audio": {"data": data, "format": "wav"}}
    return {
        "model": "recognizer",
        "messages": [{"role": "user", "content": [sound]}],
        "max_tokens": 8,
        "temperature": 0,
    }


def noise() -> bytes:
    """A WAV file of it, the same every time."""
    draw = random.Random(0)
    samples = [draw.randrange(-60, 61) for _ in range(RATE * SECONDS)]
    file = io.BytesIO()
    with wave.open(file, "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(RATE)
        out.writeframes(struct.pack(f"<{len(samples)}h", *samples))
    return file.getvalue()


async def _ask(url: str, body: dict[str, Any], session: aiohttp.ClientSession) -> dict[str, Any]:
    timeout = aiohttp.ClientTimeout(WITHIN_S)
    try:
        async with session.post(url, json=body, timeout=timeout) as response:
            if response.status != 200:
                said = (await response.text())[:300]
                raise WarmUpError(f"its first answer was an error {response.status}: {said}")
            answer = await response.json()
    except TimeoutError:
        raise WarmUpError(f"it did not answer a first question in {WITHIN_S:.0f} s") from None
    except (aiohttp.ClientError, ValueError) as error:
        raise WarmUpError(f"its first answer was none: {error}") from error
    if not isinstance(answer, dict):
        raise WarmUpError(f"its first answer was no object: {str(answer)[:100]}")
    return answer


def _sound(answer: dict[str, Any]) -> bool:
    """Whether the prompt had tokens of sound in it."""
    details = (answer.get("usage") or {}).get("prompt_tokens_details") or {}
    return bool(details.get("audio_tokens"))
