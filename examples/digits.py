"""Learn to read handwritten digits: `python examples/digits.py` trains, tests, saves and draws.

The data are scikit-learn's 1797 real scans of 8 x 8 pixels. A quarter is held out as the test set,
and 15% of the rest watches the training: once its loss stops falling, the best weights are kept.
"""

import matplotlib
import numpy as np
from numpy.typing import NDArray
from sklearn.datasets import load_digits
from sklearn.metrics import ConfusionMatrixDisplay
from sklearn.model_selection import train_test_split

import nnbind as nn

matplotlib.use("Agg")  # draw into a file, without a screen
from matplotlib import pyplot as plt
from matplotlib.axes import Axes

PICTURE = "digits.png"
MODEL = "digits.safetensors"


def main() -> None:
    pixels, labels = load_digits(return_X_y=True)
    X = (pixels / 16).astype(np.float32)  # 0..16 levels of grey to 0..1
    X_train, X_test, y_train, y_test = train_test_split(
        X, labels, test_size=0.25, stratify=labels, random_state=0
    )

    net = nn.Sequential(
        nn.Input(64), nn.Dense(256, "relu", dropout=0.5), nn.Dense(10, "softmax"), seed=0
    )
    print(net.summary())
    history = net.fit(
        X_train,
        y_train,
        loss="cross_entropy",
        optimizer=nn.Adam(1e-3),
        epochs=300,
        batch_size=32,
        validation_fraction=0.15,
        early_stopping=nn.EarlyStopping(patience=20),
        metrics=["accuracy"],
        seed=0,
    )
    best = history.best_epoch
    assert best is not None  # only a fit of no epochs has none
    print(f"stopped after {history.epochs} epochs, best was epoch {best + 1}")

    probabilities = net.predict(X_test)
    predicted = probabilities.argmax(axis=1)
    correct = predicted == y_test
    print(f"test accuracy: {correct.mean():.2%} ({(~correct).sum()} of {correct.size} misread)")

    net.save(MODEL)
    equal = np.array_equal(nn.load(MODEL).predict(X_test), probabilities)
    print(f"model: {MODEL}, loaded again: {'equal' if equal else 'DIFFERENT'} predictions")

    figure, axes = plt.subplot_mosaic(
        [["loss", "confusion", "misread"], ["accuracy", "confusion", "misread"]],
        figsize=(15, 5),
        layout="constrained",
    )
    draw_curves(history, best, axes["loss"], axes["accuracy"])
    ConfusionMatrixDisplay.from_predictions(
        y_test, predicted, ax=axes["confusion"], cmap="Blues", colorbar=False
    )
    draw_misread(X_test[~correct], y_test[~correct], predicted[~correct], axes["misread"])
    figure.savefig(PICTURE, dpi=120)
    print(f"picture: {PICTURE}")


def draw_curves(history: nn.History, best: int, loss: Axes, accuracy: Axes) -> None:
    """What the network does on the training set (with dropout) and on the validation part."""
    loss.plot(history.loss, label="training")
    loss.plot(history.val_loss, label="validation")
    loss.set(ylabel="cross-entropy", yscale="log")
    accuracy.plot(history.metrics["accuracy"])
    accuracy.plot(history.metrics["val_accuracy"])
    accuracy.set(ylabel="accuracy", xlabel="epoch", ylim=(0.9, 1.005))
    for axes in (loss, accuracy):
        axes.axvline(best, color="gray", linestyle=":", label="best epoch")
    loss.legend()


def draw_misread(
    X: NDArray[np.float32], y: NDArray[np.int64], predicted: NDArray[np.int64], axes: Axes
) -> None:
    """The first sixteen digits the network got wrong, four to a row."""
    for place, (scan, true, read) in enumerate(zip(X[:16], y, predicted, strict=False)):
        row, column = divmod(place, 4)
        extent = (column, column + 0.8, -row - 0.8, -row)
        axes.imshow(scan.reshape(8, 8), cmap="gray_r", extent=extent)
        axes.text(column, 0.04 - row, f"{true}, read as {read}", fontsize=8)
    axes.set(title="misread", xlim=(0, 4), ylim=(-4, 0.2))
    axes.axis("off")


if __name__ == "__main__":
    main()
