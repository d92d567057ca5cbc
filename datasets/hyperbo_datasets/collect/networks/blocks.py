"""Residual blocks: a mixer, through which tokens see one another, then a feed-forward layer."""

import abc
from typing import Any

import equinox as eqx
from jaxtyping import Array, Float, Int, PyTree

from hyperbo_datasets.collect.networks.feed_forward import GeGLU
from hyperbo_datasets.collect.networks.norms import RMSNorm

State = PyTree[Any]
"""What is remembered of the tokens before: keys and values, or a recurrent state."""


class Layer(eqx.Module):
    """What works on a whole sequence, or token by token with a memory, with equal results."""

    @abc.abstractmethod
    def __call__(self, x: Float[Array, "T D"]) -> Float[Array, "T D"]:
        """The result at each token."""

    @abc.abstractmethod
    def init_state(self, length: int) -> State:
        """What is remembered before the first of `length` tokens."""

    @abc.abstractmethod
    def step(
        self, x: Float[Array, " D"], position: Int[Array, ""], state: State
    ) -> tuple[Float[Array, " D"], State]:
        """The result at one token, and what is remembered after it."""


class PreNormBlock(Layer):
    """Both parts see a normed stream; what they say is added as it is.

    Attributes:
        mixer_norm: Before the mixer.
        mixer: Attention or a recurrence.
        feed_forward_norm: Before the feed-forward layer.
        feed_forward: What works on each token by itself.
    """

    mixer_norm: RMSNorm
    mixer: Layer
    feed_forward_norm: RMSNorm
    feed_forward: GeGLU

    def __init__(self, width: int, mixer: Layer, feed_forward: GeGLU) -> None:
        self.mixer_norm = RMSNorm(width)
        self.mixer = mixer
        self.feed_forward_norm = RMSNorm(width)
        self.feed_forward = feed_forward

    def __call__(self, x: Float[Array, "T D"]) -> Float[Array, "T D"]:
        """The stream after the block."""
        x = x + self.mixer(self.mixer_norm(x))
        return x + self.feed_forward(self.feed_forward_norm(x))

    def init_state(self, length: int) -> State:
        """What the mixer remembers before the first of `length` tokens."""
        return self.mixer.init_state(length)

    def step(
        self, x: Float[Array, " D"], position: Int[Array, ""], state: State
    ) -> tuple[Float[Array, " D"], State]:
        """The stream after the block at one token, and what the mixer remembers after it."""
        mixed, state = self.mixer.step(self.mixer_norm(x), position, state)
        x = x + mixed
        return x + self.feed_forward(self.feed_forward_norm(x)), state


class SandwichNormBlock(Layer):
    """Both parts see a normed stream, and what they say is normed before it is added.

    Attributes:
        mixer_norm: Before the mixer.
        mixer: Attention or a recurrence.
        mixed_norm: After the mixer.
        feed_forward_norm: Before the feed-forward layer.
        feed_forward: What works on each token by itself.
        worked_norm: After the feed-forward layer.
    """

    mixer_norm: RMSNorm
    mixer: Layer
    mixed_norm: RMSNorm
    feed_forward_norm: RMSNorm
    feed_forward: GeGLU
    worked_norm: RMSNorm

    def __init__(self, width: int, mixer: Layer, feed_forward: GeGLU) -> None:
        self.mixer_norm = RMSNorm(width)
        self.mixer = mixer
        self.mixed_norm = RMSNorm(width)
        self.feed_forward_norm = RMSNorm(width)
        self.feed_forward = feed_forward
        self.worked_norm = RMSNorm(width)

    def __call__(self, x: Float[Array, "T D"]) -> Float[Array, "T D"]:
        """The stream after the block."""
        x = x + self.mixed_norm(self.mixer(self.mixer_norm(x)))
        return x + self.worked_norm(self.feed_forward(self.feed_forward_norm(x)))

    def init_state(self, length: int) -> State:
        """What the mixer remembers before the first of `length` tokens."""
        return self.mixer.init_state(length)

    def step(
        self, x: Float[Array, " D"], position: Int[Array, ""], state: State
    ) -> tuple[Float[Array, " D"], State]:
        """The stream after the block at one token, and what the mixer remembers after it."""
        mixed, state = self.mixer.step(self.mixer_norm(x), position, state)
        x = x + self.mixed_norm(mixed)
        return x + self.worked_norm(self.feed_forward(self.feed_forward_norm(x))), state
