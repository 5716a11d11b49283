# Unsupervised: clusters, components, text features.

# %% three clouds
import numpy as np
from sklearn.cluster import KMeans
from sklearn.datasets import make_blobs

points, truth = make_blobs(
    n_samples=150, centers=[[0, 0], [4, 4], [-4, 3]], cluster_std=0.8, random_state=8
)
points.mean(axis=0).round(3)

# %% k means
kmeans = KMeans(n_clusters=3, n_init=4, random_state=8)
labels = kmeans.fit_predict(points)
centers = kmeans.cluster_centers_[np.argsort(kmeans.cluster_centers_[:, 0])]
centers.round(2)

# %% which cloud is which
pairs = {int(k): int(np.bincount(truth[labels == k]).argmax()) for k in range(3)}
agreement = np.mean([pairs[int(k)] == t for k, t in zip(labels, truth)])
sorted(pairs.values()), float(agreement)

# %% principal components, with the sign fixed
from sklearn.decomposition import PCA

pca = PCA(n_components=2, svd_solver="full").fit(points)
turned = pca.transform(points)
pca.explained_variance_ratio_.round(4)

# %% words to numbers
from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer

documents = [
    "the storm broke the mast",
    "the mast was mended in the harbour",
    "a harbour in the fog",
    "fog and storm",
]
counter = CountVectorizer()
matrix = counter.fit_transform(documents)
matrix.toarray(), sorted(counter.vocabulary_)[:4]

# %% sparse
matrix

# %% the weights
tfidf = TfidfVectorizer(stop_words="english")
weights = tfidf.fit_transform(documents)
similarity = (weights @ weights.T).toarray().round(3)
similarity

# %% a sparse matrix changed in place
matrix.data[:] = np.minimum(matrix.data, 1)
matrix[0, 0] = 5
matrix.sum(axis=1).A1 if hasattr(matrix.sum(axis=1), "A1") else matrix.sum(axis=1)

# %% a warning from the library
few = KMeans(n_clusters=2, n_init=1, random_state=0)
same = np.ones((5, 2))
few.fit(same)
few.inertia_

# %% partial fits add up
from sklearn.linear_model import SGDClassifier

online = SGDClassifier(random_state=3)
for start in range(0, 150, 50):
    online.partial_fit(points[start : start + 50], truth[start : start + 50], classes=[0, 1, 2])
online.t_, round(online.score(points, truth), 2)

# %% and go on in another cell
online.partial_fit(points, truth)
online.t_
