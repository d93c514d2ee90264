// The plugin of ../wit in C. Parameters of an export belong to the function, and its results to the caller.

#include <stdlib.h>
#include <string.h>

#include "plugin.h"

typedef exports_example_plugin_shop_item_t item_t;
typedef exports_example_plugin_shop_list_item_t items_t;
typedef exports_example_plugin_shop_own_cart_t own_cart_t;
typedef exports_example_plugin_shop_borrow_cart_t cart_t;

struct exports_example_plugin_shop_cart_t {
    plugin_string_t owner;
    items_t items;
    example_plugin_host_own_counter_t counter;
};

static void *allocate(size_t size) {
    void *p = malloc(size ? size : 1);
    if (!p) abort();
    return p;
}

static plugin_string_t copy_string(plugin_string_t s) {
    plugin_string_t copy;
    plugin_string_dup_n(&copy, (const char *)s.ptr, s.len);
    return copy;
}

static item_t copy_item(const item_t *item) {
    size_t tags = item->tags.len;
    item_t copy = {copy_string(item->name), item->count, {NULL, tags}};
    if (tags) copy.tags.ptr = allocate(tags * sizeof *copy.tags.ptr);
    for (size_t i = 0; i < tags; i++) copy.tags.ptr[i] = copy_string(item->tags.ptr[i]);
    return copy;
}

// write_number writes a number in decimal, and returns its end.
static char *write_number(char *to, size_t n) {
    if (n >= 10) to = write_number(to, n / 10);
    *to = (char)('0' + n % 10);
    return to + 1;
}

static void log_total(size_t n) {
    char text[64] = "total of ", *end = write_number(text + strlen(text), n);
    strcpy(end, " items");
    plugin_string_t s;
    plugin_string_set(&s, text);
    example_plugin_host_log(EXAMPLE_PLUGIN_HOST_LEVEL_NOTICE, &s);
}

bool exports_example_plugin_shop_total(items_t *items, exports_example_plugin_shop_discount_t *off, double *ret,
                                       plugin_string_t *err) {
    double sum = 0;
    bool ok = true;
    for (size_t i = 0; ok && i < items->len; i++) {
        double price;
        ok = example_plugin_host_price_of(&items->ptr[i].name, &price, err);
        if (ok) sum += price * items->ptr[i].count;
    }
    if (ok) log_total(items->len);
    switch (off->tag) {
    case EXPORTS_EXAMPLE_PLUGIN_SHOP_DISCOUNT_PERCENT:
        sum = sum * (100 - off->val.percent) / 100;
        break;
    case EXPORTS_EXAMPLE_PLUGIN_SHOP_DISCOUNT_AMOUNT:
        sum -= off->val.amount;
        break;
    }
    *ret = ok ? sum : 0;
    exports_example_plugin_shop_list_item_free(items);
    return ok;
}

static bool has_tag(const item_t *item, plugin_string_t tag) {
    for (size_t i = 0; i < item->tags.len; i++) {
        plugin_string_t have = item->tags.ptr[i];
        if (have.len == tag.len && (tag.len == 0 || memcmp(have.ptr, tag.ptr, tag.len) == 0)) return true;
    }
    return false;
}

bool exports_example_plugin_shop_find(items_t *items, plugin_string_t *tag, item_t *ret) {
    bool found = false;
    for (size_t i = 0; !found && i < items->len; i++) {
        found = has_tag(&items->ptr[i], *tag);
        if (found) *ret = copy_item(&items->ptr[i]);
    }
    exports_example_plugin_shop_list_item_free(items);
    plugin_string_free(tag);
    return found;
}

void exports_example_plugin_shop_scale(plugin_list_f64_t *values, double by, plugin_list_f64_t *ret) {
    for (size_t i = 0; i < values->len; i++) values->ptr[i] *= by;
    *ret = *values;
}

own_cart_t exports_example_plugin_shop_constructor_cart(plugin_string_t *owner) {
    cart_t cart = allocate(sizeof *cart);
    *cart = (struct exports_example_plugin_shop_cart_t){*owner, {NULL, 0}, example_plugin_host_constructor_counter(0)};
    return exports_example_plugin_shop_cart_new(cart);
}

void exports_example_plugin_shop_cart_destructor(cart_t cart) {
    plugin_string_free(&cart->owner);
    exports_example_plugin_shop_list_item_free(&cart->items);
    example_plugin_host_counter_drop_own(cart->counter);
    free(cart);
}

void exports_example_plugin_shop_method_cart_owner(cart_t cart, plugin_string_t *ret) {
    *ret = copy_string(cart->owner);
}

void exports_example_plugin_shop_method_cart_add(cart_t cart, item_t *what) {
    item_t *items = realloc(cart->items.ptr, (cart->items.len + 1) * sizeof *items);
    if (!items) abort();
    items[cart->items.len] = *what;
    cart->items = (items_t){items, cart->items.len + 1};
    example_plugin_host_method_counter_add(example_plugin_host_borrow_counter(cart->counter), what->count);
}

void exports_example_plugin_shop_method_cart_items(cart_t cart, items_t *ret) {
    *ret = (items_t){NULL, cart->items.len};
    if (ret->len) ret->ptr = allocate(ret->len * sizeof *ret->ptr);
    for (size_t i = 0; i < ret->len; i++) ret->ptr[i] = copy_item(&cart->items.ptr[i]);
}

uint32_t exports_example_plugin_shop_method_cart_count(cart_t cart) {
    return example_plugin_host_method_counter_add(example_plugin_host_borrow_counter(cart->counter), 0);
}

own_cart_t exports_example_plugin_shop_static_cart_join(own_cart_t a, own_cart_t b) {
    plugin_string_t owner = copy_string(exports_example_plugin_shop_cart_rep(a)->owner);
    own_cart_t joined = exports_example_plugin_shop_constructor_cart(&owner), from[] = {a, b};
    cart_t to = exports_example_plugin_shop_cart_rep(joined);
    for (int i = 0; i < 2; i++) {
        cart_t cart = exports_example_plugin_shop_cart_rep(from[i]);
        for (size_t j = 0; j < cart->items.len; j++)
            exports_example_plugin_shop_method_cart_add(to, &cart->items.ptr[j]);
        free(cart->items.ptr);
        cart->items = (items_t){NULL, 0};
        exports_example_plugin_shop_cart_drop_own(from[i]);
    }
    return joined;
}
