# Words of an old text.

# %% the text
import re
import string
from collections import Counter, defaultdict

sea_text = """
The boat went out before the light, and the boat came home with the night.
Nobody spoke of the storm; the storm had spoken for all of them.
"Who counts the waves?" asked the boy. "He who cannot sleep," said the old man.
"""
words = re.findall(r"[a-z]+", sea_text.lower())
len(words), words[:6]

# %% how often
frequency = Counter(words)
for word, times in frequency.most_common(5):
    print(f"{word:<8}{'#' * times} {times}")

# %% a counter goes on counting
frequency.update(["boat", "anchor", "anchor"])
frequency["whale"], "whale" in frequency, frequency["boat"]

# %% what follows what
follows = defaultdict(list)
for here, there in zip(words, words[1:]):
    follows[here].append(there)
sorted(follows["the"])

# %% looking up makes an entry
n_before = len(follows)
follows["kraken"]
len(follows) - n_before

# %% sentences
sentences = [s.strip() for s in re.split(r"(?<=[.?!])\"?\s+", sea_text.strip()) if s.strip()]
lengths = {s[:12]: len(s.split()) for s in sentences}
lengths

# %% a pattern is kept
quoted = re.compile(r'"(?P<said>[^"]+)"\s*(?P<verb>said|asked)?')
speech = [(m["said"], m["verb"]) for m in quoted.finditer(sea_text)]
speech

# %% and used again, with a function as replacement
def loud(match):
    return match.group(0).upper()


louder = quoted.sub(loud, sea_text)
print(louder)

# %% translate
table = str.maketrans("", "", string.punctuation)
bare = sea_text.translate(table).split()
longest = max(bare, key=lambda w: (len(w), w))
longest

# %% Caesar
def caesar(text, shift):
    alphabet = string.ascii_lowercase
    turned = alphabet[shift:] + alphabet[:shift]
    return text.translate(str.maketrans(alphabet + alphabet.upper(), turned + turned.upper()))


secret = caesar("The storm had spoken", 3)
secret, caesar(secret, -3)

# %% formatting
rows = [("boat", 2, 0.0512), ("storm", 2, 0.3), ("the", 10, 12.5)]
lines = [f"{name!r:>9} | {n:03d} | {share:8.2%}" for name, n, share in rows]
print("\n".join(lines))
print("{:*^20}".format(" end "), "%5.1f|%-6s|" % (3.14159, "ab"))

# %% bytes and other alphabets
greeting = "Grüße, Ωμέγα, 海"
encoded = greeting.encode("utf-8")
len(greeting), len(encoded), encoded.decode("latin-1")[:5]

# %% a letter that does not fit
prefix = greeting[:5]
prefix.encode("ascii")

# %% the walrus
found = [m.group() for w in bare if (m := re.match(r"[st]\w+", w))]
found, m is None
