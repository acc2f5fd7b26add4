"""Log transformers: pipelines of processors that turn the text of a log event into JSON, as pure functions."""

from coldframe.services.logs.transformers.errors import InvalidTransformer
from coldframe.services.logs.transformers.event import Origin
from coldframe.services.logs.transformers.pipeline import Transformed, Transformer, compile_transformer

__all__ = ["InvalidTransformer", "Origin", "Transformed", "Transformer", "compile_transformer"]
