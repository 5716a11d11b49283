# A small laboratory, written with classes.

# %% samples and instruments
from dataclasses import dataclass, field
from enum import Enum, auto


class Phase(Enum):
    SOLID = auto()
    LIQUID = auto()
    GAS = auto()


@dataclass(order=True)
class Sample:
    mass: float
    label: str = field(compare=False)
    phase: Phase = field(default=Phase.SOLID, compare=False)
    notes: list = field(default_factory=list, compare=False)

    def heat(self):
        members = list(Phase)
        self.phase = members[min(members.index(self.phase) + 1, len(members) - 1)]
        self.notes.append(f"heated to {self.phase.name.lower()}")
        return self


iron = Sample(55.8, "iron")
iron

# %% heating changes it in place
iron.heat()
ice = Sample(18.0, "ice").heat().heat()
ice.phase is Phase.GAS, iron.notes

# %% inheritance
class Instrument:
    built = 0

    def __init__(self, name):
        self.name = name
        type(self).built += 1

    def read(self, sample):
        raise NotImplementedError(f"{type(self).__name__} cannot read")

    def __repr__(self):
        return f"<{type(self).__name__} {self.name}>"


class Balance(Instrument):
    built = 0

    def __init__(self, name, offset=0.0):
        super().__init__(name)
        self.offset = offset

    def read(self, sample):
        return round(sample.mass + self.offset, 2)


balance = Balance("B1", offset=0.05)
balance.read(iron)

# %% the counter is in the class
spare = Balance("B2")
generic = Instrument("thing")
Instrument.built, Balance.built

# %% an abstract reading
readings = {}
for instrument in (balance, spare, generic):
    readings[instrument.name] = instrument.read(ice)

# %% what had been read
print(readings)
samples = [iron, ice, Sample(12.0, "carbon")]
sorted(samples)[0].label, max(samples).label

# %% objects that know each other
class Node:
    def __init__(self, label, parent=None):
        self.label = label
        self.parent = parent
        self.children = []
        if parent is not None:
            parent.children.append(self)

    def depth(self):
        return 0 if self.parent is None else 1 + self.parent.depth()


root = Node("shelf")
box = Node("box", root)
vial = Node("vial", box)
vial.depth(), [child.label for child in root.children]

# %% the class is written anew
class Balance(Instrument):
    """With two digits more."""

    built = 0

    def read(self, sample):
        return round(sample.mass, 4)


newer = Balance("B3")
isinstance(balance, Balance), isinstance(newer, Balance), type(balance).__name__

# %% a method is added later
def describe(self):
    return f"{self.label}: {self.mass} g, {self.phase.name}"


Sample.describe = describe
iron.describe()

# %% properties and slots
class Thermometer:
    __slots__ = ("_celsius", "history")

    def __init__(self, celsius):
        self.history = []
        self.celsius = celsius

    @property
    def celsius(self):
        return self._celsius

    @celsius.setter
    def celsius(self, value):
        if value < -273.15:
            raise ValueError(f"{value} °C is colder than cold")
        self._celsius = value
        self.history.append(value)

    @classmethod
    def from_kelvin(cls, kelvin):
        return cls(kelvin - 273.15)


meter = Thermometer.from_kelvin(300)
meter.celsius = 20.0
meter.history

# %% too cold
meter.celsius = -100
meter.celsius = -300

# %% still the last good value
meter.celsius, len(meter.history)

# %% a protocol of one's own
class Rack:
    def __init__(self, *slots):
        self.slots = list(slots)

    def __len__(self):
        return len(self.slots)

    def __getitem__(self, at):
        return self.slots[at]

    def __iadd__(self, other):
        self.slots.append(other)
        return self

    def __contains__(self, label):
        return any(s.label == label for s in self.slots)


rack = Rack(iron)
rack += ice
same_rack = rack
len(rack), "ice" in rack, [s.label for s in rack]

# %% through the other name
same_rack += Sample(1.0, "hydrogen", Phase.GAS)
len(rack), rack is same_rack
