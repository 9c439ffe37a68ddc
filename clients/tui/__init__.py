"""A room in a terminal."""

import os

# Textual draws when its next frame comes, at 60 a second: 17 ms late, all that drawing may take.
# Frames are only drawn when something has changed, so that more of them cost nothing.
os.environ.setdefault("TEXTUAL_FPS", "120")
