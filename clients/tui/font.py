"""Letters of dots, eight dots high, drawn with blocks: for reading from across the room.

A glyph is its columns from left to right, each a byte whose lowest bit is the top dot: bits 0 to 6
are a capital's height, bit 7 is below the line. Accents go into two dots above a small letter's
body (bits 0 and 1) or, for capitals, into the two free dots above every line.
"""

import unicodedata

HEIGHT = 8  # dots of a glyph
ABOVE = 2  # free dots above it, for the accents of capitals and between lines

_COLUMNS = """
! 5f
" 07 00 07
# 14 7f 14 7f 14
$ 24 2a 7f 2a 12
% 23 13 08 64 62
& 36 49 56 20 50
' 07
( 1c 22 41
) 41 22 1c
* 2a 1c 7f 1c 2a
+ 08 08 3e 08 08
, 80 60
- 08 08 08 08
. 60 60
/ 60 10 08 04 03
0 3e 51 49 45 3e
1 42 7f 40
2 62 51 49 49 46
3 22 41 49 49 36
4 18 14 12 7f 10
5 27 45 45 45 39
6 3c 4a 49 49 30
7 01 71 09 05 03
8 36 49 49 49 36
9 06 49 49 29 1e
: 66 66
; 80 66
< 08 14 22 41
= 14 14 14 14
> 41 22 14 08
? 02 01 59 09 06
@ 3e 41 5d 55 1e
A 7c 12 11 12 7c
B 7f 49 49 49 36
C 3e 41 41 41 22
D 7f 41 41 41 3e
E 7f 49 49 49 41
F 7f 09 09 09 01
G 3e 41 49 49 3a
H 7f 08 08 08 7f
I 41 7f 41
J 20 40 41 3f 01
K 7f 08 14 22 41
L 7f 40 40 40 40
M 7f 02 0c 02 7f
N 7f 04 08 10 7f
O 3e 41 41 41 3e
P 7f 09 09 09 06
Q 3e 41 51 21 5e
R 7f 09 19 29 46
S 26 49 49 49 32
T 01 01 7f 01 01
U 3f 40 40 40 3f
V 1f 20 40 20 1f
W 3f 40 38 40 3f
X 63 14 08 14 63
Y 07 08 70 08 07
Z 61 51 49 45 43
[ 7f 41 41
\\ 03 04 08 10 60
] 41 41 7f
^ 04 02 01 02 04
_ 40 40 40 40
` 01 02
a 20 54 54 54 78
b 7f 48 44 44 38
c 38 44 44 44 28
d 38 44 44 48 7f
e 38 54 54 54 18
f 08 7e 09 02
g 18 a4 a4 a4 7c
h 7f 08 04 04 78
i 44 7d 40
j 80 84 7d
k 7f 10 28 44
l 41 7f 40
m 7c 04 78 04 78
n 7c 08 04 04 78
o 38 44 44 44 38
p fc 24 24 24 18
q 18 24 24 24 fc
r 7c 08 04 04 08
s 48 54 54 54 24
t 04 3f 44 24
u 3c 40 40 20 7c
v 1c 20 40 20 1c
w 3c 40 30 40 3c
x 44 28 10 28 44
y 1c a0 a0 a0 7c
z 44 64 54 4c 44
{ 08 36 41
| 7f
} 41 36 08
~ 08 04 08 10 08
¡ 7d
¿ 30 48 4d 40 20
« 08 14 22 08 14 22
» 22 14 08 22 14 08
€ 14 3e 55 41 22
ß 7e 01 49 4e 30
æ 24 54 78 54 58
Æ 7c 12 7f 49 49
ø 38 64 54 4c 38
Ø 3e 51 49 45 3e
œ 38 44 38 54 58
Œ 3e 41 7f 49 49
ł 41 7f 44
Ł 7f 44 42 40 40
đ 38 44 44 4a 7f
ð 38 44 45 46 3c
þ fc 24 24 18
ı 44 7c 40
"""

_ALIKE = str.maketrans(
    {
        **dict.fromkeys("’‘‛ʼ´", "'"),
        **dict.fromkeys("“”„‟", '"'),
        **dict.fromkeys("–—‑−―", "-"),
        "…": "...",
        "\u00a0": " ",
        "·": ".",
        "×": "x",
        "İ": "I",
        "\u200c": None,
        "\u00ad": None,
    }
)

# Accents as (offset from the glyph's middle, dot from the top) in the two rows they go into.
_ACCENTS: dict[str, tuple[tuple[int, int], ...]] = {
    "\u0300": ((-1, 0), (0, 1)),
    "\u0301": ((1, 0), (0, 1)),
    "\u0302": ((-1, 1), (0, 0), (1, 1)),
    "\u0303": ((-2, 1), (-1, 0), (0, 1), (1, 0)),
    "\u0304": ((-1, 1), (0, 1), (1, 1)),
    "\u0306": ((-1, 0), (0, 1), (1, 0)),
    "\u0307": ((0, 0),),
    "\u0308": ((-1, 0), (1, 0)),
    "\u030a": ((0, 0), (-1, 1), (1, 1)),
    "\u030b": ((-1, 1), (0, 0), (1, 1), (2, 0)),
    "\u030c": ((-1, 0), (0, 1), (1, 0)),
}
_BELOW = {"\u0327", "\u0328", "\u0326", "\u0323"}

Glyph = tuple[int, ...]
"""Columns; in each the two dots above are bits 0 and 1, the glyph's own begin at bit 2."""


def _read() -> dict[str, tuple[int, ...]]:
    lines = (line.split() for line in _COLUMNS.strip().splitlines())
    return {first: tuple(int(column, 16) for column in rest) for first, *rest in lines}


FONT = _read() | {" ": (0, 0, 0)}


def glyphs(text: str) -> list[Glyph] | None:
    """The glyphs of a text; None if there is a character that this font does not have."""
    found: list[Glyph] = []
    for character in unicodedata.normalize("NFC", text.translate(_ALIKE)):
        one = glyph(character)
        if one is None:
            return None
        found.append(one)
    return found


def glyph(character: str) -> Glyph | None:
    """One character's; None if the font has none."""
    if character in FONT:
        return tuple(column << ABOVE for column in FONT[character])
    base, *marks = list(unicodedata.normalize("NFD", character))
    known = all(mark in _ACCENTS or mark in _BELOW for mark in marks)
    if base not in FONT or not marks or not known:
        return None
    small = base.islower() and base not in "bdfhklt"
    body = [column << ABOVE for column in FONT["ı" if base == "i" else base]]
    for mark in marks:
        body = _marked(body, mark, ABOVE if small else 0)
    return tuple(body)


def _marked(body: list[int], mark: str, top: int) -> list[int]:
    """The columns with this accent above them, its highest dot in row `top`, or below."""
    middle = len(body) // 2
    if mark in _BELOW:
        body[middle] |= 1 << (ABOVE + HEIGHT - 1)
        return body
    for offset, row in _ACCENTS[mark]:
        place = middle + offset
        if place >= len(body):
            body.append(0)
        body[max(0, place)] |= 1 << (top + row)
    return body
