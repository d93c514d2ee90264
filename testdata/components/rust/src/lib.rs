//! The plugin of ../wit in Rust.

use std::cell::RefCell;

use example::plugin::host::{self, Counter, Level};
use exports::example::plugin::shop::{Cart, Discount, Guest, GuestCart, Item};

wit_bindgen::generate!({ path: "../wit", world: "plugin" });

struct Plugin;

impl Guest for Plugin {
    type Cart = Basket;

    fn total(items: Vec<Item>, off: Discount) -> Result<f64, String> {
        let mut sum = 0.0;
        for item in &items {
            sum += host::price_of(&item.name)? * f64::from(item.count);
        }
        host::log(Level::Notice, &format!("total of {} items", items.len()));
        Ok(match off {
            Discount::Nothing => sum,
            Discount::Percent(percent) => sum * (100.0 - percent) / 100.0,
            Discount::Amount(amount) => sum - amount,
        })
    }

    fn find(items: Vec<Item>, tag: String) -> Option<Item> {
        items.into_iter().find(|item| item.tags.contains(&tag))
    }

    fn scale(values: Vec<f64>, by: f64) -> Vec<f64> {
        values.into_iter().map(|value| value * by).collect()
    }
}

/// A cart.
struct Basket {
    owner: String,
    items: RefCell<Vec<Item>>,
    counter: Counter,
}

impl GuestCart for Basket {
    fn new(owner: String) -> Self {
        Basket { owner, items: RefCell::default(), counter: Counter::new(0) }
    }

    fn owner(&self) -> String {
        self.owner.clone()
    }

    fn add(&self, what: Item) {
        self.counter.add(what.count);
        self.items.borrow_mut().push(what);
    }

    fn items(&self) -> Vec<Item> {
        self.items.borrow().clone()
    }

    fn count(&self) -> u32 {
        self.counter.add(0)
    }

    fn join(a: Cart, b: Cart) -> Cart {
        let joined = Basket::new(a.get::<Basket>().owner());
        for cart in [a, b] {
            for item in cart.get::<Basket>().items.take() {
                joined.add(item);
            }
        }
        Cart::new(joined)
    }
}

export!(Plugin);
