"""The plugin of ../wit in Python."""

from wit_world import exports
from wit_world.exports import shop
from wit_world.imports import host


class Shop(exports.Shop):
    def total(self, items: list[shop.Item], off: shop.Discount) -> float:
        # The host's error is an exception, and goes on as that of this function.
        sum = 0.0
        for item in items:
            sum += host.price_of(item.name) * item.count
        host.log(host.Level.NOTICE, f"total of {len(items)} items")
        match off:
            case shop.Discount_Percent(percent):
                return sum * (100 - percent) / 100
            case shop.Discount_Amount(amount):
                return sum - amount
        return sum

    def find(self, items: list[shop.Item], tag: str) -> shop.Item | None:
        return next((item for item in items if tag in item.tags), None)

    def scale(self, values: list[float], by: float) -> list[float]:
        return [value * by for value in values]
