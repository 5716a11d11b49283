# Irises, pipelines and cross-validation.

# %% the data
import numpy as np
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, StratifiedKFold, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

iris = load_iris()
X, y = iris.data.copy(), iris.target
print(X.shape, np.bincount(y), list(iris.target_names))

# %% a pipeline
pipe = make_pipeline(StandardScaler(), LogisticRegression(max_iter=500, C=0.5))
pipe

# %% cross-validated
folds = StratifiedKFold(n_splits=4, shuffle=True, random_state=11)
accuracy = cross_val_score(pipe, X, y, cv=folds)
print(f"{accuracy.mean():.3f} ± {accuracy.std():.3f}")

# %% fitted as a whole
pipe.fit(X, y)
scaler = pipe.named_steps["standardscaler"]
scaler.mean_.round(3)

# %% the scaler in the pipeline is the one with the name
scaler.mean_[0] = 0.0
pipe.predict(X[:3]), scaler is pipe[0]

# %% put right again
scaler.fit(X)
misses = np.flatnonzero(pipe.predict(X) != y)
len(misses), misses[:3]

# %% a grid of settings
search = GridSearchCV(pipe, {"logisticregression__C": [0.01, 1, 100]}, cv=folds)
search.fit(X, y)
search.best_params_, round(search.best_score_, 4)

# %% trees
from sklearn.ensemble import RandomForestClassifier
from sklearn.tree import DecisionTreeClassifier, export_text

tree = DecisionTreeClassifier(max_depth=2, random_state=0).fit(X, y)
print(export_text(tree, feature_names=iris.feature_names))

# %% a forest with a fixed seed
forest = RandomForestClassifier(n_estimators=12, random_state=5)
forest.fit(X[::2], y[::2])
importance = dict(zip(iris.feature_names, forest.feature_importances_.round(3)))
importance

# %% confusion
from sklearn.metrics import confusion_matrix

held_out = forest.predict(X[1::2])
table = confusion_matrix(y[1::2], held_out)
table

# %% a class of one's own that behaves like an estimator
from sklearn.base import BaseEstimator, ClassifierMixin


class Nearest(ClassifierMixin, BaseEstimator):
    """The class of the nearest mean."""

    def __init__(self, power=2):
        self.power = power

    def fit(self, X, y):
        self.classes_ = np.unique(y)
        self.means_ = np.array([X[y == label].mean(axis=0) for label in self.classes_])
        return self

    def predict(self, X):
        distance = (np.abs(X[:, None] - self.means_) ** self.power).sum(axis=2)
        return self.classes_[distance.argmin(axis=1)]


nearest = Nearest().fit(X, y)
nearest.score(X, y).__round__(3)

# %% and in the tools of the library
cross_val_score(Nearest(power=1), X, y, cv=folds).round(3)

# %% labels that do not fit
rows = X[:10]
nearest.set_params(power=3)
pipe.fit(rows, y)
