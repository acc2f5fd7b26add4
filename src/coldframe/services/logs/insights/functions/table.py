"""Every function of the query language by its name in lower case."""

from coldframe.services.logs.insights.functions.addresses import ADDRESSES
from coldframe.services.logs.insights.functions.dates import DATES
from coldframe.services.logs.insights.functions.documents import DOCUMENTS
from coldframe.services.logs.insights.functions.function import Function
from coldframe.services.logs.insights.functions.general import GENERAL
from coldframe.services.logs.insights.functions.numbers import NUMBERS
from coldframe.services.logs.insights.functions.strings import STRINGS

FUNCTIONS: dict[str, Function] = {
    name.lower(): function
    for part in (ADDRESSES, DATES, DOCUMENTS, GENERAL, NUMBERS, STRINGS)
    for name, function in part.items()
}
