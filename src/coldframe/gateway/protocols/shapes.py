"""How the protocols see botocore's shapes, and how what is made from them is made once and kept."""

from collections.abc import Callable
from threading import RLock
from typing import Any, TypeVar

from botocore.model import OperationModel

# A shape's attributes depend on its type_name, which botocore's types cannot follow.
Shape = Any
Made = TypeVar("Made")


class PerOperation(dict[OperationModel, Made]):
    """What is made once per operation, when it is first asked for, by one thread at a time.

    The lock is that of the whole protocol, since operations share the functions of their shapes.
    """

    def __init__(self, make: Callable[[OperationModel], Made], lock: RLock) -> None:
        super().__init__()
        self._make = make
        self._lock: Any = lock

    def __missing__(self, operation: OperationModel) -> Made:
        with self._lock:
            if operation not in self:
                self[operation] = self._make(operation)
            return self.get(operation)  # type: ignore[return-value]


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
