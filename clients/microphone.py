"""What one speaker's microphone hears, on its way to the room; while muted it stays here."""

from collections.abc import AsyncIterable

from streaming.values import AudioFrame

from .link import Link


class Microphone:
    """Sends frames as they come; those of a muted time are told as a gap when it is over."""

    def __init__(self, link: Link) -> None:
        self.link = link
        self.muted = False
        self._sent = 0
        """The position up to which the server has been told everything."""

    async def mute(self, on: bool) -> None:
        """From now on nothing is sent, or everything is again."""
        self.muted = on
        await self.link.mute(on)

    async def speak(self, frames: AsyncIterable[AudioFrame]) -> None:
        """All of these frames; the connection stays open for reading."""
        async for frame in frames:
            if self.muted:
                continue
            if frame.start > self._sent:
                await self.link.gap(self._sent, frame.start)
            await self.link.send_audio(frame.pcm)
            self._sent = frame.end
