"""How the protocols see botocore's shapes, and the stand-in for a function of a shape that contains itself."""

from collections.abc import Callable
from typing import Any

# A shape's attributes depend on its type_name, which botocore's types cannot follow.
Shape = Any


class Later:
    """Stands for a function that is being made: a shape that contains itself needs it before it is there."""

    __slots__ = ("function",)

    def __init__(self) -> None:
        self.function: Callable[..., Any] | None = None

    def __call__(self, *arguments: Any) -> Any:
        """Call the function, which is there by the time a value comes."""
        if self.function is None:
            raise RuntimeError("the function of a shape was called before it was made")
        return self.function(*arguments)
