"""The resource of the interface shop: componentize-py looks for it in a module with the interface's name."""

from wit_world.exports import shop
from wit_world.imports import host


class Cart(shop.Cart):
    def __init__(self, owner: str) -> None:
        self.name = owner
        self.content: list[shop.Item] = []
        self.counter = host.Counter(0)

    def owner(self) -> str:
        return self.name

    def add(self, what: shop.Item) -> None:
        self.counter.add(what.count)
        self.content.append(what)

    def items(self) -> list[shop.Item]:
        return self.content

    def count(self) -> int:
        return self.counter.add(0)

    @classmethod
    def join(cls, a: "Cart", b: "Cart") -> "Cart":
        joined = cls(a.name)
        for item in a.content + b.content:
            joined.add(item)
        return joined
