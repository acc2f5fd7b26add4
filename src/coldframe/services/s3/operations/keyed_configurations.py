"""Configurations of a bucket of which there may be many, each with an id: analytics, metrics, tiering and inventory."""

from collections.abc import Mapping
from typing import Any

from coldframe.core.call import Call
from coldframe.services.s3 import configurations
from coldframe.services.s3.inventory.configuration import check_inventory
from coldframe.services.s3.lookup import Request, bucket_to_change


def put_bucket_analytics_configuration(call: Call, request: Request) -> Mapping[str, Any]:
    """Keep a configuration of analysis of storage classes, of which no report is made."""
    return configurations.put_one(call, request, "analytics", "AnalyticsConfiguration")


def get_bucket_analytics_configuration(call: Call, request: Request) -> Mapping[str, Any]:
    """Answer a configuration of analysis of storage classes."""
    return configurations.get_one(call, request, "analytics", "AnalyticsConfiguration")


def list_bucket_analytics_configurations(call: Call, request: Request) -> Mapping[str, Any]:
    """Answer the configurations of analysis of storage classes, by their ids."""
    return configurations.list_all(call, request, "analytics", "AnalyticsConfiguration")


def delete_bucket_analytics_configuration(call: Call, request: Request) -> Mapping[str, Any]:
    """Forget a configuration of analysis of storage classes."""
    return configurations.delete_one(call, request, "analytics")


def put_bucket_metrics_configuration(call: Call, request: Request) -> Mapping[str, Any]:
    """Keep a configuration of request metrics, of which none are counted."""
    return configurations.put_one(call, request, "metrics", "MetricsConfiguration")


def get_bucket_metrics_configuration(call: Call, request: Request) -> Mapping[str, Any]:
    """Answer a configuration of request metrics."""
    return configurations.get_one(call, request, "metrics", "MetricsConfiguration")


def list_bucket_metrics_configurations(call: Call, request: Request) -> Mapping[str, Any]:
    """Answer the configurations of request metrics, by their ids."""
    return configurations.list_all(call, request, "metrics", "MetricsConfiguration")


def delete_bucket_metrics_configuration(call: Call, request: Request) -> Mapping[str, Any]:
    """Forget a configuration of request metrics."""
    return configurations.delete_one(call, request, "metrics")


def put_bucket_intelligent_tiering_configuration(call: Call, request: Request) -> Mapping[str, Any]:
    """Keep a configuration of tiering, which has nothing to do where every class lies on one disk."""
    return configurations.put_one(call, request, "intelligent_tiering", "IntelligentTieringConfiguration")


def get_bucket_intelligent_tiering_configuration(call: Call, request: Request) -> Mapping[str, Any]:
    """Answer a configuration of tiering."""
    return configurations.get_one(call, request, "intelligent_tiering", "IntelligentTieringConfiguration")


def list_bucket_intelligent_tiering_configurations(call: Call, request: Request) -> Mapping[str, Any]:
    """Answer the configurations of tiering, by their ids."""
    return configurations.list_all(call, request, "intelligent_tiering", "IntelligentTieringConfiguration")


def delete_bucket_intelligent_tiering_configuration(call: Call, request: Request) -> Mapping[str, Any]:
    """Forget a configuration of tiering."""
    return configurations.delete_one(call, request, "intelligent_tiering")


def put_bucket_inventory_configuration(call: Call, request: Request) -> Mapping[str, Any]:
    """Keep a configuration of inventory reports, by which reports are made."""
    check_inventory(bucket_to_change(call, request), request["InventoryConfiguration"])
    return configurations.put_one(call, request, "inventory", "InventoryConfiguration")


def get_bucket_inventory_configuration(call: Call, request: Request) -> Mapping[str, Any]:
    """Answer a configuration of inventory reports."""
    return configurations.get_one(call, request, "inventory", "InventoryConfiguration")


def list_bucket_inventory_configurations(call: Call, request: Request) -> Mapping[str, Any]:
    """Answer the configurations of inventory reports, by their ids."""
    return configurations.list_all(call, request, "inventory", "InventoryConfiguration")


def delete_bucket_inventory_configuration(call: Call, request: Request) -> Mapping[str, Any]:
    """Forget a configuration of inventory reports."""
    return configurations.delete_one(call, request, "inventory")
