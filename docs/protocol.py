"""Make docs/protocol.md from the message types: `python docs/protocol.py > docs/protocol.md`."""
# ruff: noqa: E501 -- the page's own lines

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from msgspec import NODEFAULT, UNSET
from msgspec import inspect as types

sys.path.insert(0, str(Path(__file__).parents[1]))
from streaming import messages

HEADER = """\
<!-- Made by docs/protocol.py from streaming/messages.py: change those, then run `python docs/protocol.py > docs/protocol.md`. -->
# The protocol, version 1

From this page alone a client can be written. It is for people who hear, speak or read: one WebSocket carries a
participant's audio up and everybody's captions down.

## Connecting

- WebSocket, `ws://127.0.0.1:8765/v1/rooms/{room}` unless the server was told otherwise, with the subprotocol `SUBPROTOCOL`.
  No compression. WebSocket pings come every 10 s; libraries answer them by themselves.
- A room's name has 1 to 64 letters, digits, `-` and `_`, a letter or digit first. A room opens when its first participant comes.
- Text frames, both ways: one JSON object each, in UTF-8, told apart by `type`, of at most MAX_TEXT bytes.
- Binary frames, client to server only: audio. They have no header, for the stream is ordered.
- The client's first message is [`hello`](#hello), within 5 s. The server's first is [`welcome`](#welcome), and audio may
  follow `hello` at once. Then either side sends what it has to say, in any order.
- The server refuses fields and types that it does not know by closing the connection that sent them (4400). **Clients
  ignore fields and types that they do not know**: that is how this version grows. A field with a default may be left out,
  and the server may leave it out when it has that value.
- Languages are ISO 639-1 codes, `en` or `zh`, with a script or region where it matters: `zh-Hant`, `pt-BR`.

## Sending audio

A *position* is a count of samples **at 16 kHz**, whatever the codec and rate, from the participant's first audio, and
includes time that was not sent. `start`, `end` and `heard` of a caption are positions of its speaker.

- `hello` names the languages the microphone `hears` and how its `audio` comes; a reader without a microphone leaves both out.
- `pcm16`: signed 16-bit samples, little-endian, one channel, at the rate named; a frame holds whole samples. *n* samples at
  *rate* advance the position by *n* × 16000 / *rate*, rounded once, to the nearest, over all frames from one gap to the next.
- `opus`: one packet a frame, one channel, without DTX. A packet of 20 ms advances the position by 320.
- A frame has at most MAX_AUDIO bytes; 20 ms a frame is right. Its first sample is at `audio_at` of `welcome`: 0 for who has just come.
- Who leaves time out (a microphone that was away, audio dropped because the network was slow) says so by
  [`audio.gap`](#audiogap) before the next frame: `from` is where the last frame ended, to the sample, and positions go on from
  `to`. Audio that is 600 ms late may end the segment.
- While [`mute`](#mute) is on, audio may be sent and counts, but is not heard; or it is left out, and is a gap.
- Pace: a speaker may run ahead of real time by 30 s of audio in all, won back at 1.1 times real time; beyond that 4429.
- [`audio.ack`](#audioack) tells once a second what has arrived. With more than 500 ms unsent, drop the oldest and send a gap:
  captions of what was said long ago help nobody.
- At the end send [`end`](#end): the last finals follow, then [`state`](#state)
  `{"scope": "connection", "level": "drained"}`, then close 1000.

## Reading captions

A [`caption`](#caption) is the whole line: a speech segment in one language. **It replaces the one with the same `speaker`,
`segment`, `language` and `kind`**; all a client has to do is

```python
lines[caption["speaker"], caption["segment"], caption["language"], caption["kind"]] = caption
```

and show the lines by `at`, `stable` bright and `draft` dim. Segment numbers are not used again in an `epoch`; when `welcome` names
another `epoch` than before, all lines begin anew, and so do the ids of participants: `p1` is somebody else then.

What a line may do:

- `stable` only grows while the line is open. `draft` may change as it likes.
- The one `final` replaces the whole line, and may repair what was stable. Its `draft` is empty.
- A final with empty `stable` withdraws the line (noise, or an echo in another microphone): remove it.
- After its final nothing comes.

Order: `seq` grows strictly, with holes, for others read other languages: a hole is no loss. A newer update of a line takes the
place of one that still waits to be sent and goes to the end; finals are never left out. An open line has at most 4 updates
a second. A client that does not read is closed (4408).

Which lines come: of every speaker, yourself included, one translation for each language you read; the transcript where the
language spoken is one you read, or with `source`. Open lines and the last 20 finals from before you
came, or from before you read their language, are sent once, marked `replay`.

Text has no control characters, terminal escapes or bidirectional overrides, and no line breaks.

`degraded` says that a line is less than it should be: `untranslated`, the speaker's own words where a translation cannot be
had; `late`, a final that came more than 5 s after its sound; `fallback`, by a lesser engine than the one configured, while that does not work:
a [`state`](#state) of the translation says `degraded` and why, and `ok` once it serves again. An untranslated
line is the transcript while nothing translates, and else the final of the `translation` itself, which closes it: its words are then
the transcript's, in the language spoken and not in the `language` it names.

## Coming back

Who loses a connection, for whatever reason but those that are not to be retried, connects again and says in `hello.resume` who it was
and the last `seq` it has seen. It goes on as the same participant if it comes back within 60 s, or 30 s with a microphone; later it is
somebody new. Either way, while `epoch` is the one it knew:

- **Captions**: every final with a greater `seq` in the languages it reads comes, once, in order, and then the newest state of the open
  lines; they are marked `replay`. `gap` is true if something was said that cannot be had any more: a language that nobody read has not been
  translated, or the room has begun anew.
- **Audio** goes on at `audio_at`. A client keeps the last 30 s of what it said and was not acknowledged, and sends it from there, at most at
  twice the pace of speech; what is older is an `audio.gap`. Who comes back in time goes on in the same line.
- Where `audio_at` is null the server does not know where the microphone was: the client begins with `audio.gap` from 0 to where it is.
- `hears` is what it was, and so is `audio`, but that who cannot get through by WebRTC goes on by another. `mute` lasts.

A server that stops takes no more audio, acknowledges none, sends the finals of what was being said, and closes (4503). It is expected back
soon: ask for it at least once a second. If it keeps a journal, which [`recording`](#recording) tells everybody who comes, it goes on
in the same `epoch` with all finals; otherwise there is a new one, and a `gap`.

A participant has one connection: a second one takes its place, and the first is closed (4409). With the key of another
participant nobody gets in (4403).

## Tokens

A server that is reached from elsewhere asks for a token: in `hello.token`, or in the request as `Authorization: Bearer`; never in an
address, which others keep. It is a JWT (HS256) with `iss` and `aud` `surtitle`, `sub` (whose it is), `room`, `role` (`listen`: read
only; `speak`; `admin`: also remove others), `iat` and `exp`, an hour later at most. `surtitle token` makes one.

- Without one, or with one that is none, 4401, before anything is told of the room; for another room, or to speak with `listen`, 4403.
- 60 s before its end comes [`token.expiring`](#tokenexpiring): a `hello` with a new token of the same `sub` goes on; otherwise 4401.
- Of one `sub` one connection is in a room: the newest. The older is closed (4409).
- Pages of other origins are refused (403) unless the server was told of them.

## Measuring

Chunk-to-caption is the time from the capture of the sample at `heard` to the drawing of the update, over the updates that changed
visible text. The sender knows when it captured each position; take percentiles over all updates, never only over those that came
in time. [`ping`](#ping) shows how much of it is the network. This is not the lag of a translation, which word order makes longer.

## Closing

Before the server closes a connection it sends [`error`](#error); the close code is its `code`. After an error that is not to be
retried a client stops. Otherwise, and when a connection breaks without a code, it connects again after `retry_after_ms`, or 250 ms
doubling to 5 s, a random part of it. Code 1000 ends a conversation well.

| code | meaning | retry |
|---|---|---|
CODES

Bounds, beyond which a connection is closed with 4429: 20 `hello` at once and one a second; 200 messages at once and 20 a second; 4000
audio frames at once and 400 a second; the pace of speech (see above). A server that has all the rooms, speakers or connections it is
made for, or that many of one address, refuses who is new, with `retry_after_ms`, and lets those come back who were in. Who connects and
has not asked for anything after 10 s, and who takes 4 s to read a message, is cut off.

## Audio by WebRTC

WebRTC is offered by servers that were started with `--webrtc`, or off loopback: others refuse a `hello` that names
`audio: {"codec": "webrtc"}` with 4400 and a sentence. Audio then comes by RTP and everything else by this WebSocket. `POST
/v1/rooms/{room}/whip` (WHIP, RFC 9725) with `Authorization: Bearer` and the `key` of `welcome`, an SDP offer of at most 16 KiB
with one section of audio (Opus) and at most 30 candidates, is answered by 201, an SDP answer and a `Location`: DELETE it to
hang up. Anything else is a 4xx with a sentence. A newer call of the same participant takes the place of the older one with its
first packet; time in which neither spoke is a gap. Position 0 is the first packet's first sample.

## An example

`→` is the client, `←` the server. Ana speaks English at 48 kHz and reads it in Spanish, beside her own words.

```text
EXAMPLE
```
"""

EXAMPLE = """\
→ {"type":"hello","name":"Ana","hears":["en"],"reads":["es"],"source":true,"audio":{"codec":"pcm16","rate":48000}}
← {"type":"welcome","room":"lab","epoch":"e7","participant":"p1","key":"4Yx0","replay_from":0,"replay_to":40,"gap":false,"audio_at":0,"pairs":[["en","es","apertium"]]}
← {"type":"roster","participants":[{"id":"p1","name":"Ana","hears":["en"],"reads":["es"],"speaking":false,"muted":false}]}
→ 1920 bytes: 960 samples, 20 ms, positions 0 to 320; and so on, 50 a second
← {"type":"audio.ack","samples":16000}
← {"type":"caption","seq":41,"speaker":"p1","segment":1,"language":"en","kind":"transcript","stable":"","draft":"good morning","final":false,"start":4800,"end":16640,"heard":16640,"at":5300,"engine":"pocketsphinx","latency":{"detect":0.4,"recognize":31.0,"translate":0.0,"queue":1.1,"total":32.5}}
← {"type":"caption","seq":43,"speaker":"p1","segment":1,"language":"es","kind":"translation","stable":"","draft":"buenos días","final":false,"start":4800,"end":21760,"heard":21760,"at":5300,"engine":"apertium"}
← {"type":"caption","seq":44,"speaker":"p1","segment":1,"language":"en","kind":"transcript","stable":"good morning ","draft":"every one","final":false,"start":4800,"end":21760,"heard":21760,"at":5300,"engine":"pocketsphinx"}
→ {"type":"ping","t":12.5}
← {"type":"pong","t":12.5,"server_ms":8012.25}
→ {"type":"mute","on":true}
← {"type":"caption","seq":47,"speaker":"p1","segment":1,"language":"en","kind":"transcript","stable":"good morning everyone","draft":"","final":true,"start":4800,"end":25600,"heard":33600,"at":5300,"engine":"pocketsphinx"}
← {"type":"caption","seq":48,"speaker":"p1","segment":1,"language":"es","kind":"translation","stable":"buenos días a todos","draft":"","final":true,"start":4800,"end":25600,"heard":33600,"at":5300,"engine":"apertium"}
→ {"type":"mute","on":false}
→ {"type":"audio.gap","from":33600,"to":81600}
→ 1920 bytes: positions 81600 to 81920; and so on
← {"type":"caption","seq":50,"speaker":"p1","segment":2,"language":"en","kind":"transcript","stable":"","draft":"huh","final":false,"start":81600,"end":89600,"heard":89600,"at":10100,"engine":"pocketsphinx"}
→ {"type":"end"}
← {"type":"caption","seq":52,"speaker":"p1","segment":2,"language":"en","kind":"transcript","stable":"","draft":"","final":true,"start":81600,"end":89600,"heard":96000,"at":10100,"engine":"pocketsphinx"}
← {"type":"state","scope":"connection","level":"drained"}
"""

FOOTER = """\
## Over HTTP

| request | answer |
|---|---|
| `GET /livez` | 200 while the process runs |
| `GET /readyz` | 200; 503 with a sentence while the server stops |
| `GET /v1/rooms/{room}` | 426 unless it asks for a WebSocket |
| `GET /`, `GET /rooms/{room}` | the page to join from in a browser: [browser.md](browser.md) |
| `GET /v1/languages` | `{"hears": [code], "pairs": [[source, target, engine]]}`: what there is to choose from before one joins |
| `GET /v1/rooms` | `{"rooms": [{"name", "epoch", "participants", "speakers", "languages", "since_ms"}]}`: the open rooms, without who is in them; with tokens, only the token's room |
| `GET /v1/rooms/{room}/transcript.{srt,vtt,json,txt}?language=` | the final lines so far, while the room is open and 5 minutes after its last participant left: `srt` and `vtt` in one language (as spoken, without `language`), `txt` and `json` with the translations beside each line; 404 when there is no such room |
| `DELETE /v1/rooms/{room}/participants/{id}` | with an `admin` token: removes a participant (4403), whose token is of no use there any more; 204, or 404 |
| `PUT /v1/rooms/{room}/glossary` | not yet |
| `GET /metrics` | for Prometheus, on a port of its own (`--metrics-port`, 8766), on loopback only |
"""

LANGUAGE = "ISO 639-1 code"  # says what every language is, not what this one is for
MEANINGS = {
    "hello.display": "size of the reader's display",
    "hello.token": "where the server asks for one; see Tokens",
    "hello.resume": "who this was before the connection broke",
    "mute.on": "true: do not hear me; audio sent meanwhile is ignored",
    "audio.gap.from": "position where the last frame ended",
    "audio.gap.to": "position of the next frame's first sample",
    "ping.t": "anything, such as the client's clock",
    "Display.columns": "characters in a line, a Han character counting two",
    "Display.lines": "lines at once",
    "Resume.epoch": "as in the last `welcome`",
    "Resume.seq": "of the newest caption seen; `replay_from` of the last `welcome` if none was",
    "Resume.participant": "as in the last `welcome`",
    "Resume.key": "as in the last `welcome`",
    "welcome.room": "the room of the address",
    "welcome.participant": "your `id` in the roster, and `speaker` of your captions",
    "roster.participants": "everybody",
    "Participant.id": "`speaker` of their captions",
    "Participant.name": "as in their `hello`",
    "Participant.hears": "languages their microphone hears",
    "Participant.reads": "languages they read",
    "Participant.speaking": "right now",
    "Participant.muted": "by themselves",
    "caption.speaker": "`id` of who spoke",
    "caption.segment": "number of the speech segment, of this speaker",
    "caption.language": "language of the text",
    "caption.kind": "what was said, or what it means in another language",
    "caption.final": "the last of this line",
    "caption.engine": "what made the text",
    "caption.latency": "on the first update and the final of a line; on all with `trace`",
    "caption.degraded": "see above",
    "caption.replay": "was said before you came, or while you were away",
    "Latency.detect": "finding speech",
    "Latency.recognize": "the recognizer",
    "Latency.translate": "the translator",
    "Latency.queue": "waiting",
    "Latency.total": "all of it",
    "audio.ack.samples": "position before which all has arrived",
    "state.scope": "what it is about",
    "state.level": "`draining`: no new work is taken; `drained`: all work is done",
    "state.reason": "a sentence",
    "state.language": "the language concerned, if only one is",
    "recording.on": "the conversation is being kept",
    "token.expiring.in_ms": "60 s before, or at once",
    "error.code": "the close code",
    "error.message": "a sentence for people",
    "error.retry": "whether connecting again may help",
    "error.retry_after_ms": "not before this many ms",
    "pong.t": "as in the `ping`",
}
"""What fields mean whose types do not say it."""


def page() -> str:
    """The whole page."""
    codes = "\n".join(
        f"| {code} | {meaning} | {'yes' if retry else 'no'} |"
        for code, (meaning, retry) in messages.Error.MEANINGS.items()
    )
    text = HEADER.replace("CODES", codes).replace("EXAMPLE", EXAMPLE.rstrip())
    for name in ("SUBPROTOCOL", "MAX_TEXT", "MAX_AUDIO"):
        value = getattr(messages, name)
        text = text.replace(name, f"{value:,}" if isinstance(value, int) else value)
    parts = [text.rstrip()]
    seen: dict[type, None] = {}
    parts += ["## From client to server"]
    parts += [section(kind, seen) for kind in messages.ClientMessage.__args__]
    parts += ["## From server to client"]
    parts += [section(kind, seen) for kind in messages.ServerMessage.__args__]
    parts += ["## Objects inside messages"]
    parts += [section(kind, seen) for kind in seen]
    return "\n\n".join([*parts, FOOTER])


def section(kind: type, seen: dict[type, None]) -> str:
    """One type: its name, what it is, its fields. Adds to `seen` the objects it holds."""
    info = types.type_info(kind)
    assert isinstance(info, types.StructType)
    name = title(info)
    doc = " ".join((kind.__doc__ or "").split())
    rows = [row(name, field, seen) for field in info.fields]
    if info.tag_field == "codec":
        rows.insert(0, f'| `codec` | `"{info.tag}"` | yes | | which object this is |')
    table = ["| field | type | required | default | meaning |", "|---|---|---|---|---|", *rows]
    return "\n".join([f"### {name}", "", doc, "", *(table if rows else ["No fields but `type`."])])


def title(info: types.StructType) -> str:
    """A message's `type`, or the name of an object."""
    return str(info.tag) if info.tag_field == "type" else info.cls.__name__


def row(owner: str, field: types.Field, seen: dict[type, None]) -> str:
    """One field as a line of its table."""
    meaning = description(field.type) or MEANINGS[f"{owner}.{field.encode_name}"]
    required = "yes" if field.required else ""
    cells = [f"`{field.encode_name}`", written(field.type, seen), required, default(field), meaning]
    return f"| {' | '.join(cells)} |".replace("|  |", "| |")


def default(field: types.Field) -> str:
    """A field's default as JSON."""
    if field.default_factory is not NODEFAULT:
        return f"`{json.dumps(field.default_factory())}`"
    if field.default is NODEFAULT or field.default is UNSET:
        return "" if field.required else "left out"
    return f"`{json.dumps(field.default)}`"


def description(kind: types.Type) -> str:
    """What the type itself says a field means; empty if nothing but what a language is."""
    schema = kind.extra_json_schema if isinstance(kind, types.Metadata) else None
    said = str((schema or {}).get("description", ""))
    return "" if said == LANGUAGE else said


PLAIN: dict[type[types.Type], str] = {
    types.BoolType: "boolean",
    types.FloatType: "number",
    types.NoneType: "null",
}


def written(kind: types.Type, seen: dict[type, None]) -> str:
    """A type in words, with its limits."""
    match kind:
        case types.Metadata():
            language = (kind.extra_json_schema or {}).get("description") == LANGUAGE
            return "language" if language else written(kind.type, seen)
        case types.IntType(ge=low, le=high):
            return "integer" + limits(low, None if high == 2**53 else high)
        case types.StrType(min_length=low, max_length=high):
            return "string" + limits(low, high, " characters")
        case types.ListType(item_type=item, max_length=high):
            return f"array of {written(item, seen)}" + limits(None, high)
        case types.TupleType(item_types=items):
            return f"[{', '.join(written(item, seen) for item in items)}]"
        case types.LiteralType(values=values):
            return " or ".join(f'`"{value}"`' for value in values)
        case types.UnionType(types=choices):
            return " or ".join(written(choice, seen) for choice in choices)
        case types.StructType(cls=cls):
            seen[cls] = None
            return f"[{cls.__name__}](#{cls.__name__.lower()})"
    return PLAIN[type(kind)]


def limits(low: Any, high: Any, unit: str = "") -> str:
    """A range in words; nothing for none."""
    if high is None:
        return f", at least {low}" if low is not None else ""
    return f", {low} to {high}{unit}" if low is not None else f", at most {high}{unit}"


def examples() -> Iterator[tuple[str, str]]:
    """The example's messages, as (arrow, JSON)."""
    for line in EXAMPLE.splitlines():
        arrow, text = line[0], line[2:]
        if text.startswith("{"):
            yield arrow, text


if __name__ == "__main__":
    print(page(), end="")
