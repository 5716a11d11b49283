# House prices: regression with scikit-learn.

# %% made-up houses
import numpy as np
import pandas as pd
from sklearn.linear_model import LinearRegression, Ridge
from sklearn.metrics import mean_absolute_error, r2_score
from sklearn.model_selection import train_test_split

rng = np.random.default_rng(99)
n_houses = 180
houses = pd.DataFrame(
    {
        "area": rng.normal(110, 30, n_houses).clip(35),
        "rooms": rng.integers(1, 7, n_houses),
        "age": rng.exponential(25, n_houses).round(),
    }
)
houses["price"] = (
    900 * houses["area"] + 8000 * houses["rooms"] - 350 * houses["age"] + rng.normal(0, 9000, n_houses)
)
houses.describe().round(0)

# %% split
features = ["area", "rooms", "age"]
train, test = train_test_split(houses, test_size=0.25, random_state=4)
print(len(train), "to learn from,", len(test), "to judge by")

# %% a model is made, and fitted in the next cell
model = LinearRegression()
ridge = Ridge(alpha=10.0)
hasattr(model, "coef_")

# %% fit in place
model.fit(train[features], train["price"])
ridge.fit(train[features], train["price"])
pd.Series(model.coef_, index=features).round(1)

# %% judged
predicted = model.predict(test[features])
scores = {
    "r2": round(r2_score(test["price"], predicted), 4),
    "mae": round(mean_absolute_error(test["price"], predicted), 1),
}
scores

# %% several strengths, kept in a dictionary
models = {}
for alpha in (0.1, 1, 100, 1000):
    models[alpha] = Ridge(alpha=alpha).fit(train[features], train["price"])
    print(f"alpha={alpha:<7} r2={models[alpha].score(test[features], test['price']):.4f}")

# %% the best by test score
best_alpha = max(models, key=lambda a: models[a].score(test[features], test["price"]))
best_model = models[best_alpha]
best_alpha, best_model is models[best_alpha]

# %% one of those in the dictionary is fitted again
models[100].set_params(alpha=50.0)
models[100].fit(train[["area"]], train["price"])
models[100].coef_.shape, best_model.coef_.shape

# %% a wrong number of columns
used = features[:2]
model.predict(test[used])

# %% residuals join the table
test = test.assign(predicted=predicted, residual=lambda d: d["price"] - d["predicted"])
test.nlargest(3, "residual")[["area", "price", "residual"]].round(0)
