"""A shop and a bank account: products, a cart, orders, payees and payments."""

from __future__ import annotations

from typing import Any

from msgspec import Struct, field

from shipworthy.agents.state_world import StateWorld, ToolProblem
from shipworthy.core.registry import world
from shipworthy.worlds._address import address as mail_address
from shipworthy.worlds._words import hold


class ShopItem(Struct, kw_only=True):
    id: str
    name: str
    price: float
    stock: int
    about: str = ""


class Order(Struct, kw_only=True):
    id: str
    items: dict[str, int]
    total: float
    address: str
    status: str = "placed"


class Payment(Struct, kw_only=True):
    id: str
    to: str
    account: str
    amount: float
    reason: str = ""


@world
class shop(StateWorld):
    """What a buyer of a company can do: order, and pay bills."""

    class State(Struct, kw_only=True):
        products: dict[str, ShopItem] = field(default_factory=dict)
        cart: dict[str, int] = field(default_factory=dict)
        orders: dict[str, Order] = field(default_factory=dict)
        address: str = ""
        balance: float = 0.0
        payees: dict[str, str] = field(default_factory=dict)
        payments: dict[str, Payment] = field(default_factory=dict)
        gift_cards: dict[str, float] = field(default_factory=dict)

    def search(self, query: str = "") -> Any:
        """Find products by words in their name or description.

        Args:
            query: words that all occur; everything if empty.
        """
        return [p for p in self.state.products.values() if hold(query, p.name, p.about)]

    def product(self, id: str) -> Any:
        """Show one product.

        Args:
            id: of the product.
        """
        return self._one(self.state.products, id, "product")

    def add(self, product: str, pieces: int = 1) -> Any:
        """Put something into the cart.

        Args:
            product: id of the product.
            pieces: how many, from 1.
        """
        found = self._one(self.state.products, product, "product")
        wanted = self.state.cart.get(product, 0) + pieces
        if pieces < 1 or wanted > found.stock:
            raise ToolProblem(f"{pieces} pieces of {product} cannot be had: {found.stock} are in stock.")
        self.state.cart[product] = wanted
        return self.cart()

    def cart(self) -> Any:
        """Show what is in the cart and what it costs."""
        return {"items": self.state.cart, "total": self._total(self.state.cart)}

    def checkout(self, address: str = "") -> Any:
        """Order what is in the cart and pay for it from the account.

        Args:
            address: where it goes; the company's own address if empty.
        """
        total = self._total(self.state.cart)
        if not self.state.cart:
            raise ToolProblem("The cart is empty.")
        if total > self.state.balance:
            raise ToolProblem(f"The order costs {total:.2f}, and the account holds {self.state.balance:.2f}.")
        made = Order(
            id=self._new_id("O", self.state.orders),
            items=self.state.cart,
            total=total,
            address=address or self.state.address,
        )
        self.state.orders[made.id], self.state.cart = made, {}
        self.state.balance = round(self.state.balance - total, 2)
        for product, pieces in made.items.items():
            self.state.products[product].stock -= pieces
        return made

    def orders(self) -> Any:
        """List all orders."""
        return list(self.state.orders.values())

    def cancel(self, order: str) -> Any:
        """Cancel an order that was not sent yet.

        Args:
            order: its id.
        """
        found = self._one(self.state.orders, order, "order")
        if found.status != "placed":
            raise ToolProblem(f"The order {order} is {found.status}.")
        found.status = "cancelled"
        self.state.balance = round(self.state.balance + found.total, 2)
        return found

    def set_address(self, address: str) -> Any:
        """Change the address that orders go to.

        Args:
            address: the new one.
        """
        self.state.address = address
        return {"address": address}

    def account(self) -> Any:
        """Show the account: what it holds, known payees, what was paid."""
        return {
            "balance": self.state.balance,
            "payees": self.state.payees,
            "payments": list(self.state.payments.values()),
        }

    def pay(self, to: str, account: str, amount: float, reason: str) -> Any:
        """Pay money.

        Args:
            to: name of who gets it.
            account: number of the account that it goes to.
            amount: in euros.
            reason: what it is for, such as the number of a bill.
        """
        if not 0 < amount <= self.state.balance:
            raise ToolProblem(f"{amount:.2f} cannot be paid: the account holds {self.state.balance:.2f}.")
        number = "".join(account.split()).upper()
        made = Payment(
            id=self._new_id("P", self.state.payments), to=to, account=number, amount=round(amount, 2), reason=reason
        )
        self.state.payments[made.id] = made
        self.state.balance = round(self.state.balance - made.amount, 2)
        return made

    def set_payee(self, name: str, account: str) -> Any:
        """Remember the account of somebody who is paid again and again.

        Args:
            name: who it is.
            account: its number; it takes the place of the old one.
        """
        self.state.payees[name] = "".join(account.split()).upper()
        return {"payees": self.state.payees}

    def gift_card(self, amount: float, send_to: str) -> Any:
        """Buy a gift card.

        Args:
            amount: in euros.
            send_to: address that its code is sent to.
        """
        if not 0 < amount <= self.state.balance:
            raise ToolProblem(f"{amount:.2f} cannot be paid: the account holds {self.state.balance:.2f}.")
        who = mail_address(send_to)
        self.state.gift_cards[who] = self.state.gift_cards.get(who, 0.0) + amount
        self.state.balance = round(self.state.balance - amount, 2)
        return {"sent_to": who, "amount": amount}

    def _total(self, items: dict[str, int]) -> float:
        total: float = sum(self.state.products[id].price * pieces for id, pieces in items.items())
        return round(total, 2)
