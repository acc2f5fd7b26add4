"""What the model knows of a fault: its shape, the code on the wire, the HTTP status and who is to blame."""

from dataclasses import dataclass
from typing import Any

from botocore.model import OperationModel, ServiceModel

from coldframe.core.faults import AccessDenied, ServiceFault
from coldframe.gateway.protocols.shapes import Shape

DENIED_CODES = {"json": "AccessDeniedException", "xml": "AccessDenied", "ec2": "UnauthorizedOperation"}


@dataclass(slots=True)
class WireFault:
    """A fault ready to be written: `name` is the shape's, `code` the one that the older XML protocols send."""

    name: str
    code: str
    status: int
    sender: bool
    message: str
    shape: Shape | None
    members: dict[str, Any]


def resolve(
    service: ServiceModel, operation: OperationModel | None, fault: ServiceFault, family: str
) -> WireFault:
    """Find the fault in the model of the operation, then of the service, by shape name or by wire code.

    `family` is json, xml or ec2 and decides the code of a denial, which no model names.
    """
    wanted = fault.code
    status = fault.status
    if isinstance(fault, AccessDenied) and wanted == "AccessDenied":
        wanted = DENIED_CODES[family]
    shape = _shape(service, operation, wanted)
    if shape is None:
        status = status or 400
        return WireFault(wanted, wanted, status, status < 500, fault.message, None, fault.members)
    trait = shape.metadata.get("error") or {}
    status = trait.get("httpStatusCode") or status or (500 if _is_fault(shape) else 400)
    sender = trait.get("senderFault", status < 500)
    return WireFault(shape.name, shape.error_code, status, sender, fault.message, shape, fault.members)


def values(fault: WireFault) -> dict[str, Any]:
    """Put message and further members under the names that the fault's shape has for them."""
    if fault.shape is None:
        return {"message": fault.message} if fault.message else {}
    named = {name: value for name, value in fault.members.items() if name in fault.shape.members}
    for name in fault.shape.members:
        # Where AWS says nothing, as for a ciphertext that is not its own, the member is absent, not empty.
        if name.lower() == "message" and fault.message:
            named.setdefault(name, fault.message)
    return named


def with_message(members: dict[str, Any], fault: WireFault) -> dict[str, Any]:
    """Add the message where the shape models none: every SDK looks for it all the same."""
    if not fault.message or any(name.lower() == "message" for name in members):
        return members
    return {"message": fault.message, **members}


def _is_fault(shape: Shape) -> bool:
    return bool(shape._shape_model.get("fault"))  # noqa: SLF001 - botocore keeps the trait nowhere else


def _shape(service: ServiceModel, operation: OperationModel | None, code: str) -> Shape | None:
    known: Any = service  # botocore's types give numbers for the codes, which are texts
    shape: Shape
    for shape in operation.error_shapes if operation is not None else ():
        if code in {shape.name, shape.error_code}:
            return shape
    found = known.shape_for_error_code(code)
    if found is None and code in service.shape_names:
        shape = service.shape_for(code)
        found = shape if shape.metadata.get("exception") else None
    return found
