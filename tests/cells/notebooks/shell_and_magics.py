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

# %% a command that fails
!exit 3
_exit_code

# %% a magic inside a function's cell
def table_of(base):
    return [base * k for k in range(1, 6)]


%time sevens = table_of(7)
sevens

# %% the next of the kind
%%time
nines = table_of(9)
nines
