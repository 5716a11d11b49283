# Shell lines, magics, await: what only a notebook has.

# %% echo
station = "harbour"
!echo "measuring at $station"

# %% the output of a command in a name
listed = !printf 'b.dat\na.dat\nc.txt\n'
data_files = sorted(name for name in listed if name.endswith(".dat"))
data_files

# %% a command with an expression
count = 3
!echo {count + 1} files in {station.upper()}

# %% its result
words = !echo one two three
words[0].split(), len(words)

# %% lines of a fields list
listed.grep("dat")

# %% time
%time total = sum(n * n for n in range(1000))
total

# %% a timed cell
%%time
squares = {n: n * n for n in range(5)}
print("squared", len(squares))

# %% captured
%%capture caught
print("nobody sees this")
hidden = 42

# %% and shown
print(caught.stdout.strip(), hidden)

# %% a file is written
%%writefile notes.txt
first line
second line

# %% and read
notes = !cat notes.txt
with open("notes.txt") as file:
    same = file.read().splitlines() == list(notes)
same

# %% another language
%%bash
for word in snow rain; do
    echo "there is $word"
done

# %% the working directory
%mkdir -p inner
%cd -q inner
from pathlib import Path

here = Path.cwd().name
here

# %% it stays changed
Path.cwd().name

# %% and back
%cd -q ..
Path.cwd().name == "inner", Path("inner").is_dir()

# %% await at the top level
import asyncio


async def measure(name, wait):
    await asyncio.sleep(wait)
    return f"{name} done"


first = await measure("A", 0.01)
first

# %% several at once
done = await asyncio.gather(measure("B", 0.02), measure("C", 0.01))
async with asyncio.Lock():
    done.append("locked")
done

# %% an environment variable
import os

%env STATION_CODE=HB7
os.environ["STATION_CODE"]

# %% it stays set
os.environ.get("STATION_CODE")

# %% a command that fails
!exit 3
_exit_code

# %% a question mark shows nothing here
%precision 3
3.14159265

# %% with the precision of before
2.718281828
