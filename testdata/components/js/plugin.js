// The plugin of ../wit in JavaScript.

import { Counter, log, priceOf } from "example:plugin/host@1.0.0";

const dispose = Symbol.dispose ?? Symbol.for("dispose");

class Cart {
    constructor(owner) {
        this.name = owner;
        this.content = [];
        this.counter = new Counter(0);
    }

    owner() {
        return this.name;
    }

    add(what) {
        this.counter.add(what.count);
        this.content.push(what);
    }

    items() {
        return this.content;
    }

    count() {
        return this.counter.add(0);
    }

    static join(a, b) {
        const joined = new Cart(a.name);
        for (const cart of [a, b]) {
            for (const item of cart.content) joined.add(item);
            cart[dispose]();
        }
        return joined;
    }

    // Without this, the host would have its counter back when the collector of garbage likes.
    [dispose]() {
        this.counter[dispose]();
    }
}

export const shop = {
    Cart,

    // priceOf throws the host's error, and that is then the error of total: both have the payload of a string.
    total(items, off) {
        let sum = 0;
        for (const item of items) sum += priceOf(item.name) * item.count;
        log("notice", `total of ${items.length} items`);
        switch (off.tag) {
            case "percent":
                return (sum * (100 - off.val)) / 100;
            case "amount":
                return sum - off.val;
        }
        return sum;
    },

    find(items, tag) {
        return items.find((item) => item.tags.includes(tag));
    },

    scale(values, by) {
        return values.map((value) => value * by);
    },
};
