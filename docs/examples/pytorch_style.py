"""Tune a PyTorch-style trainer: a class with `train_epoch` and `validate`.

    hyperbo serve
    python docs/examples/pytorch_style.py 20

With PyTorch it trains a network; without, NumPy stands in for it in the same loop, so that the
example runs wherever the client does.
"""

import sys

import numpy as np

from hyperbo_service.client import Client, Float, Infeasible, Integer

try:
    import torch
except ImportError:
    torch = None

SPACE = {
    "lr": Float(1e-3, 10.0, scale="log"),
    "weight_decay": Float(1e-6, 1e-1, scale="log"),
    "width": Integer(4, 64, scale="log"),
}
EPOCHS = 8

# Two interleaved half circles, the first 300 points to train on.
_rng = np.random.default_rng(0)
_angle, _side = _rng.uniform(0.0, np.pi, 400), _rng.integers(0, 2, 400)
_circle = np.stack([np.cos(_angle), np.sin(_angle)], axis=1) * (1 - 2 * _side[:, None])
POINTS = (_circle + _side[:, None] * [1.0, 0.5] + 0.15 * _rng.normal(size=(400, 2))).astype("f4")
LABELS = _side.astype("f4")


class TorchTrainer:
    """A network of one hidden layer, trained by SGD with momentum."""

    def __init__(self, lr: float, weight_decay: float, width: int) -> None:
        torch.manual_seed(0)
        self.model = torch.nn.Sequential(
            torch.nn.Linear(2, width), torch.nn.Tanh(), torch.nn.Linear(width, 1)
        )
        self.optimizer = torch.optim.SGD(
            self.model.parameters(), lr=lr, weight_decay=weight_decay, momentum=0.9
        )
        self.x, self.y = torch.from_numpy(POINTS), torch.from_numpy(LABELS)

    def train_epoch(self) -> float:
        """One pass over the training points; gives the loss."""
        self.model.train()
        total = 0.0
        for rows in torch.arange(300).split(50):
            self.optimizer.zero_grad()
            logits = self.model(self.x[rows]).squeeze(1)
            loss = torch.nn.functional.binary_cross_entropy_with_logits(logits, self.y[rows])
            loss.backward()
            self.optimizer.step()
            total += loss.item() / 6
        return total

    @property
    def error(self) -> float:
        """Share of the held-out points that are told wrong."""
        self.model.eval()
        with torch.no_grad():
            told = self.model(self.x[300:]).squeeze(1) > 0
        return (told != (self.y[300:] > 0.5)).float().mean().item()


class NumpyTrainer:
    """The same with random features and a logistic regression on them."""

    def __init__(self, lr: float, weight_decay: float, width: int) -> None:
        rng = np.random.default_rng(0)
        self.features = np.tanh(POINTS @ rng.normal(size=(2, width)) + rng.normal(size=width))
        self.weights, self.velocity = np.zeros(width), np.zeros(width)
        self.lr, self.weight_decay = lr, weight_decay

    def train_epoch(self) -> float:
        """One pass over the training points; gives the loss."""
        total = 0.0
        for rows in np.arange(300).reshape(6, 50):
            logits = np.clip(self.features[rows] @ self.weights, -500.0, 500.0)
            residual = 1.0 / (1.0 + np.exp(-logits)) - LABELS[rows]
            gradient = self.features[rows].T @ residual / 50 + self.weight_decay * self.weights
            self.velocity = 0.9 * self.velocity + gradient
            self.weights = self.weights - self.lr * self.velocity
            total += float(np.mean(np.logaddexp(0.0, logits) - LABELS[rows] * logits)) / 6
        return total

    @property
    def error(self) -> float:
        """Share of the held-out points that are told wrong."""
        return float(np.mean((self.features[300:] @ self.weights > 0) != (LABELS[300:] > 0.5)))


Trainer = NumpyTrainer if torch is None else TorchTrainer


def main(count: int) -> None:
    """Run trials until the study or the count is done."""
    with Client() as client:
        study = client.study(
            "pytorch-style", space=SPACE, metric="val_error", goal="minimize", max_trials=count
        )
        for trial in study.trials():
            with trial:
                trainer = Trainer(**trial.parameters)
                for epoch in range(1, EPOCHS + 1):
                    loss = trainer.train_epoch()
                    if not np.isfinite(loss):
                        raise Infeasible(f"diverged in epoch {epoch}")
                    trial.report(trainer.error, step=epoch)
                    if trial.should_stop():
                        break
            print(f"trial {trial.number}: {trial.last_value} {trial.stop_reason}")
        best = study.best()
        print(f"best of {Trainer.__name__}: {best.value:.3f} with {best.parameters}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 20)
