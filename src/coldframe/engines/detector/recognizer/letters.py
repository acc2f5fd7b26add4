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

# Words that stand before a name and are no part of it.
TITLES = frozenset(
    """mr mrs ms miss mx sir madam dame lord lady dr doctor prof professor captain capt lieutenant sergeant colonel nurse
    herr frau fräulein monsieur madame mme mlle señor señora sr sra srta don doña senhor senhora signor signora signorina
    hello hi hey dear thanks welcome sorry hallo liebe lieber sehr bonjour cher chère hola estimado estimada ciao caro cara olá prezado
    user customer client patient guest driver member employee manager applicant owner agent student teacher passenger caller tenant
    author contact name cardholder beneficiary recipient sender visitor resident participant candidate supplier vendor subscriber
    operator assignee reviewer editor admin administrator engineer director president chairman minister officer
    kunde kundin benutzer mitarbeiter client cliente utilisateur usuario utente paciente paziente""".split()
)

# One capitalised word of a name: Anna, O'Brien, McDonald, Jean-Pierre, or an initial with or without its dot.
CAPITALISED = (
    rf"(?:(?:Mc|Mac|De|Di|La|Le|Van|Fitz|[OD]['’])?[{UPPER}][{LOWER}]+(?:['’-][{UPPER}]?[{LOWER}]+)*"
    rf"|[{UPPER}]\.|[{UPPER}](?= ))"
)
# What may not stand directly before or after a name: it would be part of an identifier, a path or a host.
# In JSON inside a string, a line break is a backslash and a letter, and a name may follow it.
BEFORE = r"(?:(?<![\w./@$#%&+-])|(?<=\\[nrt])|(?<=\\u00[0-9a-f]{2}))"
AFTER = r"(?![\w@($#=-]|['’]\w|[.:]\w|::|/)"
