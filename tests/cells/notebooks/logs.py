# A server's log, taken apart.

# %% the log
import re
from collections import Counter, defaultdict
from dataclasses import dataclass
from datetime import datetime

log_text = """\
2024-05-02 09:12:01 INFO  auth     user=mia login ok
2024-05-02 09:12:40 WARN  disk     /data 91% full
2024-05-02 09:13:05 INFO  auth     user=tom login ok
2024-05-02 09:13:59 ERROR jobs     id=77 failed: out of memory
2024-05-02 09:15:00 ERROR disk     /data 97% full
2024-05-02 09:15:31 INFO  jobs     id=78 done in 92.5s
broken line
2024-05-02 09:16:12 INFO  jobs     id=79 done in 12.0s
"""
lines = log_text.splitlines()
len(lines)

# %% one line is one entry
pattern = re.compile(
    r"""(?P<when>\d{4}-\d\d-\d\d\ \d\d:\d\d:\d\d)\s+
        (?P<level>[A-Z]+)\s+(?P<part>\w+)\s+(?P<text>.*)""",
    re.VERBOSE,
)


@dataclass(frozen=True)
class Entry:
    when: datetime
    level: str
    part: str
    text: str

    @classmethod
    def parse(cls, line):
        match = pattern.match(line)
        if match is None:
            raise ValueError(f"cannot read {line!r}")
        fields = match.groupdict()
        fields["when"] = datetime.fromisoformat(fields["when"])
        return cls(**fields)


Entry.parse(lines[0])

# %% the broken one stops it
entries = []
for line in lines:
    entries.append(Entry.parse(line))

# %% what was read before
len(entries), entries[-1].level, line

# %% skipped
entries.clear()
broken = []
for number, line in enumerate(lines, 1):
    try:
        entries.append(Entry.parse(line))
    except ValueError as error:
        broken.append((number, str(error)))
broken

# %% counted
levels = Counter(entry.level for entry in entries)
parts = defaultdict(set)
for entry in entries:
    parts[entry.part].add(entry.level)
levels, {part: sorted(found) for part, found in sorted(parts.items())}

# %% seconds between
gaps = [(b.when - a.when).total_seconds() for a, b in zip(entries, entries[1:])]
max(gaps), gaps.index(max(gaps))

# %% numbers out of texts
durations = {
    int(m["id"]): float(m["s"])
    for entry in entries
    if (m := re.search(r"id=(?P<id>\d+) done in (?P<s>[\d.]+)s", entry.text))
}
durations

# %% frozen means frozen
entry = entries[0]
entry.level = "DEBUG"

# %% as HTML
from html import escape

from IPython.display import HTML

rows = "".join(f"<tr><td>{e.when:%H:%M}</td><td>{escape(e.text)}</td></tr>" for e in entries[:3])
HTML(f"<table>{rows}</table>")

# %% as a report
from string import Template
from textwrap import dedent, fill, indent

report = Template("$n entries, $bad broken").substitute(n=len(entries), bad=len(broken))
body = fill(" ".join(e.text for e in entries), width=50)
print(report, indent(body, "  > "), sep="\n")

# %% searched with a generator
def since(moment):
    for entry in entries:
        if entry.when >= moment:
            yield entry


late = [e.part for e in since(datetime(2024, 5, 2, 9, 15))]
any(e.level == "ERROR" for e in since(datetime.min)), late

# %% grouped by minute
by_minute = {}
for entry in entries:
    by_minute.setdefault(entry.when.replace(second=0), []).append(entry)
[(f"{minute:%H:%M}", len(group)) for minute, group in by_minute.items()]

# %% the same entries, not copies of them
first_group = by_minute[min(by_minute)]
first_group.pop()
len(by_minute[min(by_minute)]), first_group[0] is entries[0]
