# Signals: spectra, filters, peaks.

# %% a tone with noise
import numpy as np

rate = 400
time = np.arange(rate) / rate
rng = np.random.default_rng(5)
tone = np.sin(2 * np.pi * 40 * time) + 0.5 * np.sin(2 * np.pi * 90 * time)
signal = tone + rng.normal(scale=0.3, size=rate)
signal.std().round(3)

# %% the spectrum
spectrum = np.fft.rfft(signal)
power = np.abs(spectrum) ** 2
frequencies = np.fft.rfftfreq(rate, 1 / rate)
loudest = frequencies[np.argsort(power)[-2:]]
sorted(loudest.tolist())

# %% a filter that silences, in place
high = spectrum[frequencies > 60]
spectrum[frequencies > 60] = 0
cleaned = np.fft.irfft(spectrum)
np.abs(high).max().round(2), cleaned.shape

# %% the quieter half is a view
half = cleaned[: rate // 2]
half *= 0.1
cleaned[:3].round(4), half.max().round(3)

# %% with scipy
from scipy import signal as sps

b, a = sps.butter(4, 60, fs=rate)
filtered = sps.filtfilt(b, a, tone)
peaks, facts = sps.find_peaks(filtered, height=0.8)
len(peaks), facts["peak_heights"].min().round(2)

# %% the name of the module was taken for the data
signal.mean().round(4), sps.__name__

# %% windows
windows = {name: sps.get_window(name, 16) for name in ("hann", "hamming", "boxcar")}
for name, window in windows.items():
    window /= window.sum()
{name: float(window.max().round(4)) for name, window in windows.items()}

# %% convolution
smooth = np.convolve(signal, windows["hann"], mode="same")
error = np.sqrt(np.mean((smooth - tone) ** 2))
print(f"rms {error:.3f}")

# %% drawn
import matplotlib.pyplot as plt

fig, (top, bottom) = plt.subplots(2, 1, figsize=(5, 3))
top.plot(time, signal, lw=0.5)
top.plot(time, smooth)
bottom.semilogy(frequencies, power + 1e-3)
bottom.set_xlabel("Hz")
fig.tight_layout();

# %% one more line in the picture that is there
bottom.axvline(40, color="red", ls=":")
top.set_title(f"rms {error:.3f}")
fig

# %% a length that does not fit
shorter = signal[:-1]
combined = signal + shorter

# %% the rate is doubled
rate *= 2
fine = np.interp(np.arange(rate) / rate, time, smooth)
fine.size, fine[::200].round(3)
