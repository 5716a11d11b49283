# A small network learns a sine, on the processor.

# %% data and model
import torch
from torch import nn

torch.set_num_threads(1)
generator = torch.Generator().manual_seed(3)
x = torch.linspace(-3, 3, 120).unsqueeze(1)
y = torch.sin(x) + 0.05 * torch.randn(x.shape, generator=generator)
torch.manual_seed(0)
net = nn.Sequential(nn.Linear(1, 16), nn.Tanh(), nn.Linear(16, 1))
sum(p.numel() for p in net.parameters())

# %% the optimiser holds the parameters
optimizer = torch.optim.Adam(net.parameters(), lr=0.02)
loss_function = nn.MSELoss()
history = []
len(optimizer.param_groups[0]["params"])

# %% an epoch function
def train(epochs):
    for _ in range(epochs):
        optimizer.zero_grad()
        loss = loss_function(net(x), y)
        loss.backward()
        optimizer.step()
        history.append(loss.item())
    return history[-1]


first = train(50)
first < history[0], len(history)

# %% training goes on where it was
second = train(50)
print(f"{len(history)} epochs, better: {second < first}")

# %% the optimiser still moves this very network
with torch.no_grad():
    before = net[0].weight.clone()
train(1)
moved = not torch.equal(before, net[0].weight)
moved, optimizer.param_groups[0]["params"][0] is net[0].weight

# %% a layer of one's own
class Scale(nn.Module):
    def __init__(self, factor):
        super().__init__()
        self.factor = nn.Parameter(torch.tensor(factor))

    def forward(self, values):
        return values * self.factor


wrapped = nn.Sequential(net, Scale(1.0))
wrapped

# %% the network inside is the same network
with torch.no_grad():
    wrapped[0][2].bias.add_(1.0)
    shifted = (net(x[:2]) - wrapped(x[:2])).abs().max().item()
shifted

# %% views of tensors
table = torch.zeros(4, 5)
row = table[1]
row += 2
table[:, 0] = -1
row[:3], table.sum().item()

# %% through the view in another cell
row.mul_(10)
table[1].tolist()

# %% gradients by hand
w = torch.tensor([1.0, 2.0], requires_grad=True)
(w**2).sum().backward()
w.grad

# %% they add up
(3 * w).sum().backward()
w.grad.tolist()

# %% shapes that do not fit
batch = torch.ones(5, 2)
net(batch)

# %% batches in an order that a generator gives
from torch.utils.data import DataLoader, TensorDataset

loader = DataLoader(TensorDataset(x, y), batch_size=50, shuffle=True, generator=generator)
sizes = [len(xb) for xb, yb in loader]
firsts = [round(xb[0].item(), 3) for xb, yb in loader]
sizes, firsts
