"""AWS's own service models, loaded from botocore once each and shared."""

from functools import cache

from botocore.loaders import Loader
from botocore.model import ServiceModel

_LOADER = Loader()


@cache
def load(name: str) -> ServiceModel:
    """Return the model that botocore ships as `name` (`logs`, `rds`), parsed; raises DataNotFoundError."""
    return ServiceModel(_LOADER.load_service_model(name, "service-2"), name)
