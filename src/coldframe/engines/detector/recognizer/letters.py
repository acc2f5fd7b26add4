"""The Latin letters, as pieces of regular expressions, and the words that join the parts of a name."""

# Basic Latin to Latin Extended-B, and Latin Extended Additional (Vietnamese).
_LATIN = [chr(code) for code in (*range(0x41, 0x250), *range(0x1E00, 0x1F00))]
UPPER = "".join(char for char in _LATIN if char.isupper())
LOWER = "".join(char for char in _LATIN if char.islower() and char not in "ªº")
ANY = UPPER + LOWER

# Written in lower case between given and family name; with them a run of capitalised words goes on.
PARTICLES = frozenset(
    "van von der den de del della di da do dos das du la le las los ten ter zu zum zur af av bin ibn al el y e".split()
)
PARTICLE = "(?:" + "|".join(sorted(PARTICLES, key=lambda word: (-len(word), word))) + ")"

# One capitalised word of a name: Anna, O'Brien, McDonald, Jean-Pierre, or an initial with or without its dot.
CAPITALISED = (
    rf"(?:(?:Mc|Mac|De|Di|La|Le|Van|Fitz|[OD]['’])?[{UPPER}][{LOWER}]+(?:['’-][{UPPER}]?[{LOWER}]+)*"
    rf"|[{UPPER}]\.|[{UPPER}](?= ))"
)
# What may not stand directly before or after a name: it would be part of an identifier, a path or a host.
# In JSON inside a string, a line break is a backslash and a letter, and a name may follow it.
BEFORE = r"(?:(?<![\w./@$#%&+-])|(?<=\\[nrt])|(?<=\\u00[0-9a-f]{2}))"
AFTER = r"(?![\w@($#=-]|['’]\w|[.:]\w|::|/)"
