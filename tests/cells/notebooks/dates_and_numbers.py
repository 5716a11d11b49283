# Dates, decimals, fractions, complex numbers, formats.

# %% an observing run
from datetime import date, datetime, time, timedelta, timezone
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction

begin = datetime(2024, 2, 27, 22, 15, tzinfo=timezone.utc)
exposure = timedelta(minutes=12, seconds=30)
schedule = [begin + k * exposure for k in range(4)]
schedule[-1].isoformat(), begin.strftime("%d %b %Y, %H:%M")

# %% over the leap day
nights = [date(2024, 2, 27) + timedelta(days=d) for d in range(4)]
print(*nights, sep=", ")
(nights[-1] - nights[0]).days, nights[2].timetuple().tm_yday

# %% local time
vienna = timezone(timedelta(hours=1), "CET")
local = begin.astimezone(vienna)
local.tzname(), local.time(), local == begin

# %% parsed
stamps = ["2024-03-01T04:05:06", "2023-12-31T23:59:59"]
parsed = sorted(datetime.fromisoformat(s) for s in stamps)
parsed[0].isocalendar().week, parsed[1].weekday()

# %% naive and aware do not compare
earliest = min(parsed)
earliest < begin

# %% money
prices = [Decimal("19.99"), Decimal("5.05"), Decimal("0.125")]
total = sum(prices, Decimal(0))
cents = total.quantize(Decimal("0.01"), rounding=ROUND_HALF_UP)
total, cents, 0.1 + 0.2 == 0.3

# %% fractions
harmonic = sum((Fraction(1, n) for n in range(1, 8)), Fraction(0))
approximation = Fraction(3.14159265).limit_denominator(200)
harmonic, approximation, float(harmonic)

# %% complex numbers
import cmath

roots = [cmath.exp(2j * cmath.pi * k / 3) for k in range(3)]
print([f"{r.real:+.3f}{r.imag:+.3f}i" for r in roots])
abs(sum(roots)) < 1e-12

# %% large, small, and not a number
import math

large = 2**200
special = [math.inf, -math.inf, math.nan, -0.0, 5e-324]
large, special, math.isqrt(large) == 2**100

# %% formats
value, width, label = 1234567.891, 14, "flux"
print(f"{label:<{width}}|{value:>{width},.1f}|{value:.3e}|{large:#x}"[:60])
print(f"{value=:.2f} {label!r:^10} {0.256:.1%} {42:08b} {-7:+d}")

# %% divided by nothing
ratios = {}
for n in (4, 2, 0):
    ratios[n] = Decimal(1) / n

# %% bits and bytes
import struct

packed = struct.pack("<Hif", 513, -7, 0.5)
unpacked = struct.unpack("<Hif", packed)
mutable = bytearray(packed)
mutable[0] = 255
packed.hex(), unpacked, bytes(mutable[:2])

# %% changed in place later
mutable.extend(b"\x00end")
view = memoryview(bytes(mutable))
bytes(view[-3:]), len(mutable);
