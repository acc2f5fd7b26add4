"""How long log groups keep their events."""

DAYS = (
    1,
    3,
    5,
    7,
    14,
    30,
    60,
    90,
    120,
    150,
    180,
    365,
    400,
    545,
    731,
    1096,
    1827,
    2192,
    2557,
    2922,
    3288,
    3653,
)
"""The values that PutRetentionPolicy takes."""

DELIVERY_DAYS = 1
"""Groups of the Delivery class keep events for one day, whatever is asked."""
