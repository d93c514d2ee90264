// Package components runs components that other languages' toolchains build: the same plugin in each of them.
package components

import (
	"errors"
	"fmt"
	"math"
	"os"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gowasmtime/wasmtime"
	"github.com/gowasmtime/wasmtime/component"
	. "github.com/gowasmtime/wasmtime/internal/testkit"
	"github.com/gowasmtime/wasmtime/testdata/components"
)

func TestMain(m *testing.M) { Main(m) }

// The types of testdata/components/wit.
type (
	item struct {
		Name  string
		Count uint32
		Tags  []string
	}

	discount  interface{ discount(discounts) }
	discounts struct {
		Nothing nothing
		Percent percent
		Amount  amount
	}
	nothing struct{}
	percent float64
	amount  float64

	level uint8
	cart  struct{ *component.Resource }
)

func (nothing) discount(discounts) {}
func (percent) discount(discounts) {}
func (amount) discount(discounts)  {}

const notice level = 1

// host is the interface that the plugins import.
type host struct {
	prices   map[string]float64
	logged   []string
	counters int
	fails    error // is what log returns
}

func (h *host) Log(l level, text string) error {
	h.logged = append(h.logged, fmt.Sprint(l, " ", text))
	return h.fails
}

func (h *host) PriceOf(name string) (float64, error) {
	if price, ok := h.prices[name]; ok {
		return price, nil
	}
	return 0, fmt.Errorf("%s has no price", name)
}

func (h *host) NewCounter(start uint32) *counter {
	h.counters++
	return &counter{start, h}
}

type counter struct {
	n    uint32
	host *host
}

func (c *counter) Add(n uint32) uint32 {
	c.n += n
	return c.n
}

func (c *counter) Close() { c.host.counters-- }

// plugin is an instance, and its functions.
type plugin struct {
	host  *host
	store *wasmtime.Store
	total *component.TypedFunc2[[]item, discount, float64]
	find  *component.TypedFunc2[[]item, string, component.Option[item]]
	scale *component.TypedFunc2[[]float64, float64, []float64]
	open  *component.TypedFunc1[string, cart]
	owner *component.TypedFunc1[cart, string]
	add   *component.TypedVoid2[cart, item]
	items *component.TypedFunc1[cart, []item]
	count *component.TypedFunc1[cart, uint32]
	join  *component.TypedFunc2[cart, cart, cart]
}

// bind binds a function of the interface shop.
func bind[F any](t *testing.T, instance *component.Instance, name string, to func(*component.Func) (F, error)) F {
	t.Helper()
	return Must(to(Must(instance.Func("example:plugin/shop@1.0.0#" + name))))
}

// languages are those of testdata/components. keeps says that the guest never gives back what its carts had of the
// host: in the components of componentize-py 0.25.1 the destructor of a resource does nothing.
var languages = []struct {
	name  string
	keeps bool
}{{name: "c"}, {name: "js"}, {name: "python", keeps: true}, {name: "rust"}}

// compile compiles a plugin; if it is not built, the test is skipped and says why. Large ones are compiled by Winch,
// unless everything is asked for.
func compile(t *testing.T, name string, options ...func(*wasmtime.Config)) (*wasmtime.Engine, *component.Component) {
	t.Helper()
	path, err := components.File(name)
	if errors.Is(err, components.ErrNotBuilt) {
		t.Skip(err)
	}
	Check(t, err)
	if info := Must(os.Stat(path)); info.Size() > 1<<20 && !*Whole {
		options = append(options, CompilesQuickly)
	}
	engine := EngineWith(t, options...)
	t.Cleanup(engine.Close)
	start := time.Now()
	c, err := component.NewFromFile(engine, path)
	Check(t, err)
	t.Cleanup(c.Close)
	t.Log("compiled in", time.Since(start))
	for _, i := range c.Imports() {
		if strings.HasPrefix(i.Name, "wasi:") {
			t.Errorf("imports %s", i.Name)
		}
	}
	return engine, c
}

// newPlugin instantiates a plugin, with a host of its own.
func newPlugin(t *testing.T, engine *wasmtime.Engine, c *component.Component) *plugin {
	t.Helper()
	p := &plugin{host: &host{prices: map[string]float64{"tea": 2.5, "crème": 4}}}
	linker := component.NewLinker(engine)
	defer linker.Close()
	Check(t, linker.Instance("example:plugin/host@1.0.0").InterfaceOf(c, p.host, component.ResourceOf[*counter]()))
	p.store = wasmtime.NewStore(engine)
	i, err := linker.Instantiate(nil, p.store, c)
	Check(t, err)
	p.total = bind(t, i, "total", component.Bind2[[]item, discount, float64])
	p.find = bind(t, i, "find", component.Bind2[[]item, string, component.Option[item]])
	p.scale = bind(t, i, "scale", component.Bind2[[]float64, float64, []float64])
	p.open = bind(t, i, "[constructor]cart", component.Bind1[string, cart])
	p.owner = bind(t, i, "[method]cart.owner", component.Bind1[cart, string])
	p.add = bind(t, i, "[method]cart.add", component.BindVoid2[cart, item])
	p.items = bind(t, i, "[method]cart.items", component.Bind1[cart, []item])
	p.count = bind(t, i, "[method]cart.count", component.Bind1[cart, uint32])
	p.join = bind(t, i, "[static]cart.join", component.Bind2[cart, cart, cart])
	return p
}

func TestPlugins(t *testing.T) {
	for _, language := range languages {
		t.Run(language.name, func(t *testing.T) {
			engine, c := compile(t, language.name)
			start := time.Now()
			p := newPlugin(t, engine, c)
			defer p.store.Close()
			t.Log("linked, instantiated and bound in", time.Since(start))
			p.values(t)
			p.resources(t, language.keeps)
			start = time.Now()
			n := Rounds(1000)
			for range n {
				Must(p.scale.Call(nil, []float64{1, 2, 3}, 2))
			}
			t.Log("a call takes", time.Since(start)/time.Duration(n))
			p.failure(t)
			p.store.Close()
			Equal(t, "counters of a closed store", p.host.counters, 0)
		})
	}
}

// Many goroutines have a plugin each, one after the other, in a pool.
func TestPluginsAtOnce(t *testing.T) {
	for _, language := range languages {
		t.Run(language.name, func(t *testing.T) {
			engine, c := compile(t, language.name, func(cfg *wasmtime.Config) { cfg.SetPooling(wasmtime.PoolingPreset()) })
			var group sync.WaitGroup
			for range 8 {
				group.Go(func() {
					for range Rounds(20) {
						p := newPlugin(t, engine, c)
						p.values(t)
						Check(t, p.add.Call(nil, Must(p.open.Call(nil, "left")), goods[0]))
						p.store.Close()
						Equal(t, "counters of a closed store", p.host.counters, 0)
					}
				})
			}
			group.Wait()
		})
	}
}

var goods = []item{{"tea", 2, []string{"hot", "grün"}}, {"crème", 1, []string{}}, {"tea", 1, []string{"", "cold"}}}

// values calls the functions with every kind of value.
func (p *plugin) values(t *testing.T) {
	for _, c := range []struct {
		off  discount
		want float64
	}{{nothing{}, 11.5}, {percent(10), 10.35}, {amount(1.5), 10}} {
		got := Must(p.total.Call(nil, goods, c.off))
		if math.Abs(got-c.want) > 1e-9 {
			t.Errorf("total with %v: %v, want %v", c.off, got, c.want)
		}
	}
	Equal(t, "total of nothing", Must(p.total.Call(nil, nil, nothing{})), 0)
	three := fmt.Sprint(notice, " total of 3 items")
	want := []string{three, three, three, fmt.Sprint(notice, " total of 0 items")}
	if !reflect.DeepEqual(p.host.logged, want) {
		t.Errorf("logged %q", p.host.logged)
	}
	_, err := p.total.Call(nil, append(goods[:2:2], item{Name: "gold"}), nothing{})
	var failed *component.ResultError
	if !errors.As(err, &failed) || failed.Value != "gold has no price" {
		t.Errorf("total without a price: %v", err)
	}

	found, ok := Must(p.find.Call(nil, goods, "cold")).Get()
	if !ok || !reflect.DeepEqual(found, goods[2]) {
		t.Errorf("found %v, %v", found, ok)
	}
	_, ok = Must(p.find.Call(nil, goods, "old")).Get()
	Equal(t, "found what is not there", ok, false)

	values := make([]float64, 10_000)
	for i := range values {
		values[i] = float64(i) / 2
	}
	for i, got := range Must(p.scale.Call(nil, values, 2)) {
		if got != float64(i) {
			t.Fatalf("scaled %d to %v", i, got)
		}
	}
}

// resources makes carts, joins and drops them.
func (p *plugin) resources(t *testing.T, keeps bool) {
	a, b := Must(p.open.Call(nil, "Zoë")), Must(p.open.Call(nil, "B"))
	Equal(t, "owner", Must(p.owner.Call(nil, a)), "Zoë")
	Check(t, p.add.Call(nil, a, goods[0]))
	Check(t, p.add.Call(nil, b, goods[1]))
	Check(t, p.add.Call(nil, b, goods[2]))
	Equal(t, "count", Must(p.count.Call(nil, b)), 2)
	if got := Must(p.items.Call(nil, b)); !reflect.DeepEqual(got, goods[1:]) {
		t.Errorf("items %v", got)
	}
	joined := Must(p.join.Call(nil, a, b))
	WantIs(t, ErrorOf(p.owner.Call(nil, a)), component.ErrHandle)
	Equal(t, "owner", Must(p.owner.Call(nil, joined)), "Zoë")
	Equal(t, "count", Must(p.count.Call(nil, joined)), 4)
	if got := Must(p.items.Call(nil, joined)); !reflect.DeepEqual(got, goods) {
		t.Errorf("items %v", got)
	}
	if !keeps {
		Equal(t, "counters", p.host.counters, 1)
	}
	Check(t, joined.Drop(nil))
	WantIs(t, joined.Drop(nil), component.ErrHandle)
	rounds := Rounds(2000)
	for range rounds {
		c := Must(p.open.Call(nil, "many"))
		Check(t, p.add.Call(nil, c, goods[0]))
		Check(t, c.Drop(nil))
	}
	if keeps {
		t.Logf("%d of %d counters are left", p.host.counters, rounds+3)
	} else {
		Equal(t, "counters", p.host.counters, 0)
	}
}

// failure has a host function end the guest; nothing can be called then.
func (p *plugin) failure(t *testing.T) {
	p.host.fails = errors.New("no paper")
	_, err := p.total.Call(nil, goods, nothing{})
	WantIs(t, err, p.host.fails)
	WantIs(t, ErrorOf(p.scale.Call(nil, nil, 1)), component.ErrUnusable)
}
