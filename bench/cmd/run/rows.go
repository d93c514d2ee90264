package main

import (
	"slices"

	"github.com/gowasmtime/wasmtime/bench/internal/work"
)

// A peer is one of the programs that do the same work.
type peer int

const (
	ours peer = iota
	rust
	cgo
	wasmtimeGo
	wazero
	wazy
	peers

	// typed stands for another benchmark of this module, which a target compares with; it has no column.
	typed = peers
)

// benches are the names of the benchmarks of a row, "" where there is none.
type benches [typed + 1]string

// title is what the table calls the peer.
func (p peer) title() string {
	return [peers]string{"this module", "Rust", "cgo, empty, or plain Go", "wasmtime-go v44.0.0", "wazero v1.12.0", "wazy v0.8.0"}[p]
}

// A row is one line of the table: some work, and the benchmark of each peer that does it.
type row struct {
	work   string
	bench  benches
	bytes  int64 // what an op moves; then the table shows a throughput
	heavy  bool  // seconds of preparation in each process: fewer rounds
	target *target
}

// A target is a figure that this module has to reach, made from the medians of one round.
type target struct {
	text    string
	value   func(ns func(peer) float64) float64
	needs   []peer
	limit   float64
	atLeast bool // the value must not be below the limit; otherwise, not above it
	noAlloc bool // besides, an op may not allocate more than allocs times
	allocs  float64
	excuse  *excuse // nil: a row that misses the target fails
}

func (t *target) reached(value float64) bool {
	if t.atLeast {
		return value >= t.limit
	}
	return value <= t.limit
}

// excused says why a row misses its target, and how far it may: a value beyond most fails all the same.
func (t *target) excused(most float64, why string) *target {
	t.excuse = &excuse{why: why, most: most}
	return t
}

// allocating adds to a target that an op may allocate at most so many times.
func (t *target) allocating(allocs float64) *target {
	t.noAlloc, t.allocs = true, allocs
	return t
}

// same is one name for all peers.
func same(name string) (all benches) {
	for p := range peers {
		all[p] = name
	}
	return all
}

// against is the target that this module takes at most limit times as long as a peer.
func against(p peer, text string, limit float64) *target {
	return &target{
		text:  text,
		value: func(ns func(peer) float64) float64 { return ns(ours) / ns(p) },
		needs: []peer{p},
		limit: limit,
	}
}

// besideTyped is the target that this module takes at most limit times as long as by its typed functions, and allocates
// at most allocs times.
func besideTyped(text string, limit, allocs float64) *target {
	return against(typed, text, limit).allocating(allocs)
}

// throughput is the target that this module moves at least limit times as many bytes a second as Rust.
func throughput(limit float64, text string) *target {
	return &target{
		text:    text,
		value:   func(ns func(peer) float64) float64 { return ns(rust) / ns(ours) },
		needs:   []peer{rust},
		limit:   limit,
		atLeast: true,
	}
}

func kernel(name, what string) row {
	bench := same("Kernel/" + name)
	bench[cgo] = ""
	return row{work: "kernel `" + name + "`: " + what, bench: bench, heavy: name == "go"}
}

// Why rows miss their targets. A bound is what was measured and a quarter more, in either direction.
const (
	whyCall = "our own steps before and after the crossing, which lock the store and look at the stack, take 13 ns here. " +
		"On the machine before this one they hid behind the crossing, and the ratio was 0.99."
	whyBusy = "within the target in most runs, and not in others: what the kernel does for a page, or how memory lies, " +
		"counts for more than what is added to it."
	whyMessage = "a call has to enter the store, to cross the boundary, and to encode and decode a message, about 110 ns " +
		"on top of Rust's, which a function that does next to nothing cannot hide. By an estimate of the single steps, no " +
		"call can be made in less than 1.4 × Rust here. A text is copied once more than in Rust, besides."
	whyCollector = "each call makes a new slice of a megabyte, which costs Go's collector more than Rust's allocator. " +
		"`CallInto`, whose slice is the caller's, reaches its target."
	whyRecords = "each record is written into a message, checked there by the native library, and copied into the guest; " +
		"Rust checks nothing that its types rule out."
	whyStore = "of an instantiation that takes some 3.5 µs in Rust, and a hello some 6.7, the state that Go keeps of a store, and of what " +
		"components have in it, is a microsecond."
)

var rows = append([]row{
	{
		work:  "call `(i32, i32) -> i32`",
		bench: same("Call"),
		target: (&target{
			text:    "≤ 1.2 × (cgo + Rust), 0 allocs",
			value:   func(ns func(peer) float64) float64 { return ns(ours) / (ns(cgo) + ns(rust)) },
			needs:   []peer{cgo, rust},
			limit:   1.2,
			noAlloc: true,
		}).excused(1.6, whyCall),
	},
	{
		work:  "host call, an iteration",
		bench: same("HostCall"),
		target: &target{
			text:    "≤ 1.15 × (cgo callback + Rust), 0 allocs",
			value:   func(ns func(peer) float64) float64 { return ns(ours) / (ns(cgo) + ns(rust)) },
			needs:   []peer{cgo, rust},
			limit:   1.15,
			noAlloc: true,
		},
	},
	{
		work:   "host call by reflection, an iteration",
		bench:  benches{ours: "HostCallWrap", wasmtimeGo: "HostCallWrap", wazero: "HostCallWrap", typed: "HostCall"},
		target: besideTyped("≤ 3 × typed, 0 allocs", 3, 0),
	},
	{
		work: "call of values of type `any`",
		bench: benches{ours: "CallUntyped", rust: "CallUntyped", wasmtimeGo: "Call", wazero: "CallUntyped",
			wazy: "CallUntyped", typed: "Call"},
		target: besideTyped("≤ 1.8 × typed, 1 alloc", 1.8, 1),
	},
	{
		work:  "WASI call (`fd_write` of nothing), an iteration",
		bench: benches{ours: "WasiCall", rust: "WasiCall", wasmtimeGo: "WasiCall", wazero: "WasiCall", wazy: "WasiCall"},
		target: &target{
			text:    "≤ 30 ns",
			value:   func(ns func(peer) float64) float64 { return ns(ours) },
			limit:   30,
			noAlloc: true,
		},
	},
	{
		work:   "instantiate, pooling",
		bench:  benches{ours: "InstantiatePooling", rust: "InstantiatePooling", wasmtimeGo: "Instantiate", wazero: "Instantiate", wazy: "Instantiate"},
		target: against(rust, "≤ 1.3 × Rust", 1.3),
	},
	{
		work:  "instantiate, on demand",
		bench: benches{ours: "Instantiate", rust: "Instantiate", wasmtimeGo: "Instantiate", wazero: "Instantiate", wazy: "Instantiate"},
	},
	{
		work:   "WASI hello, pooling",
		bench:  benches{ours: "HelloPooling", rust: "HelloPooling", wasmtimeGo: "Hello", wazero: "Hello", wazy: "Hello"},
		target: against(rust, "≤ 1.3 × Rust", 1.3),
	},
	{
		work:  "WASI hello, on demand",
		bench: benches{ours: "Hello", rust: "Hello", wasmtimeGo: "Hello", wazero: "Hello", wazy: "Hello"},
	},
	{
		work:  "compile, Cranelift",
		bench: benches{ours: "CompileCranelift", rust: "CompileCranelift", wasmtimeGo: "CompileCranelift", wazero: "Compile", wazy: "Compile"},
		heavy: true,
	},
	{
		work:   "compile, Winch",
		bench:  benches{ours: "CompileWinch", rust: "CompileWinch", wazero: "Compile", wazy: "Compile"},
		heavy:  true,
		target: against(wazero, "< wazero", 1),
	},
	{
		work:   "compile, Winch, one thread",
		bench:  benches{ours: "CompileWinchOneThread", rust: "CompileWinchOneThread", wazero: "CompileOneThread", wazy: "CompileOneThread"},
		heavy:  true,
		target: against(wazero, "< wazero", 1),
	},
	{
		work:  "load precompiled, bytes",
		bench: benches{ours: "LoadBytes", rust: "LoadBytes", wasmtimeGo: "LoadBytes"},
		heavy: true,
	},
	{
		work:   "load precompiled, mapped file",
		bench:  benches{ours: "LoadFile", rust: "LoadFile", wasmtimeGo: "LoadFile", wazero: "LoadFile", wazy: "LoadFile"},
		heavy:  true,
		target: against(rust, "≤ 1.1 × Rust", 1.1).excused(1.6, whyBusy),
	},
	{
		work:   "load precompiled, small, mapped file",
		bench:  benches{ours: "LoadFileSmall", rust: "LoadFileSmall"},
		target: against(rust, "≤ 1.1 × Rust", 1.1),
	},
	kernel("nbody", "C, floating point"),
	kernel("sha256", "C, integers"),
	kernel("sort", "C, loads and branches"),
	kernel("json", "C, bytes and calls"),
	kernel("go", "Go, JSON, maps, regexp, its garbage collector"),
	{
		work:   "read 64 MiB, preopened",
		bench:  benches{ours: "Read", rust: "Read", wasmtimeGo: "Read", wazero: "Read", wazy: "Read"},
		bytes:  work.FileSize,
		target: throughput(0.95, "≥ 0.95 × Rust"),
	},
	{
		work:   "read 64 MiB, inserted",
		bench:  benches{ours: "ReadInserted", rust: "Read"},
		bytes:  work.FileSize,
		target: throughput(0.95, "≥ 0.95 × Rust, preopened").excused(0.75, whyBusy),
	},
	{
		work:  "write 64 MiB, preopened",
		bench: benches{ours: "Write", rust: "Write", wasmtimeGo: "Write", wazero: "Write", wazy: "Write"},
		bytes: work.FileSize,
	},
	{
		work:  "write 64 MiB, inserted",
		bench: benches{ours: "WriteInserted", rust: "Write"},
		bytes: work.FileSize,
	},
	{
		work:  "relay 64 MiB",
		bench: benches{ours: "Relay", cgo: "Relay"},
		bytes: work.RelaySize,
		target: &target{
			text:    "≥ 0.7 × plain Go",
			value:   func(ns func(peer) float64) float64 { return ns(cgo) / ns(ours) },
			needs:   []peer{cgo},
			limit:   0.7,
			atLeast: true,
		},
	},
	{
		work:  "relay 64 MiB, Go by splice",
		bench: benches{ours: "Relay", cgo: "RelaySplice"},
		bytes: work.RelaySize,
	},
	{
		work:   "read 8 bytes of guest memory",
		bench:  benches{ours: "Memory", rust: "Memory", wasmtimeGo: "Memory", wazero: "Memory", wazy: "Memory"},
		target: memory(),
	},
	{
		work: "write 8 bytes of guest memory",
		bench: benches{ours: "MemoryWrite", rust: "MemoryWrite", wasmtimeGo: "MemoryWrite", wazero: "MemoryWrite",
			wazy: "MemoryWrite"},
		target: memory(),
	},
}, slices.Concat(components(), wasi(), http())...)

// componentRow is a row on components, of benchmarks whose name begins with "Component".
func componentRow(work, name string, target *target) row {
	bench := benches{ours: "Component" + name, rust: "Component" + name, wazy: "Component" + name}
	return row{work: "component: " + work, bench: bench, target: target}
}

// components are the rows on components, through typed functions where the peer has them.
func components() []row {
	add := componentRow("call `(u32, u32) -> u32`", "Add", &target{
		text: "≤ 1.5 × Rust, ≤ wazy, 0 allocs",
		value: func(ns func(peer) float64) float64 {
			return max(ns(ours)/ns(rust), 1.5*ns(ours)/ns(wazy))
		},
		needs: []peer{rust, wazy},
		limit: 1.5,
	})
	add.target.allocating(0).excused(2.4, whyMessage)
	in := componentRow("`list<u8>` of 1 MiB in", "BytesIn", against(rust, "≤ 1.1 × Rust", 1.1))
	out := componentRow("`list<u8>` of 1 MiB out", "BytesOut", against(rust, "≤ 2 × Rust", 2).excused(3.6, whyCollector))
	into := componentRow("`list<u8>` of 1 MiB out, into a buffer", "BytesOut",
		against(rust, "≤ 2 × Rust, 0 allocs", 2).allocating(0))
	into.bench[ours] = "ComponentBytesOutInto"
	in.bytes, out.bytes, into.bytes = work.BytesSize, work.BytesSize, work.BytesSize
	host := componentRow("host call `(u32) -> u32`, an iteration", "HostCall", &target{
		text:  "≤ 1.15 × (cgo callback + Rust), 0 allocs",
		value: func(ns func(peer) float64) float64 { return ns(ours) / (ns(cgo) + ns(rust)) },
		needs: []peer{cgo, rust},
		limit: 1.15,
	})
	host.target.allocating(0).excused(1.8, whyMessage)
	host.bench[cgo] = "HostCall"
	pooled := componentRow("instantiate, pooling", "InstantiatePooling", against(rust, "≤ 1.3 × Rust", 1.3).excused(1.7, whyStore))
	pooled.bench[wazy] = "ComponentInstantiate"
	return []row{
		add,
		componentRow("`string` of 1 KiB, there and back", "Echo",
			against(rust, "≤ 1.5 × Rust, 1 alloc", 1.5).allocating(1).excused(3.1, whyMessage)),
		in,
		out,
		into,
		componentRow("1,000 × `{u32, f64, string}`, there and back", "Rows", against(rust, "≤ Rust", 1).excused(1.5, whyRecords)),
		componentRow("1,000 × `{u32, f64}`, there and back", "Points", against(rust, "≤ 0.3 × Rust", 0.3)),
		host,
		componentRow("method of a resource", "Method", against(rust, "≤ 1.6 × Rust", 1.6).excused(2.5, whyMessage)),
		pooled,
		componentRow("instantiate, on demand", "Instantiate", nil),
	}
}

// wasiRow is a row on WASI 0.2, of benchmarks whose name begins with "Wasi2".
func wasiRow(what, name string, target *target) row {
	bench := benches{ours: "Wasi2" + name, rust: "Wasi2" + name, wazy: "Wasi2" + name}
	return row{work: "WASI 0.2: " + what, bench: bench, target: target}
}

// wasi are the rows on WASI 0.2.
func wasi() []row {
	pooled := wasiRow("hello, pooling", "HelloPooling", &target{
		text:  "≤ 1.3 × Rust, ahead of wazy",
		value: func(ns func(peer) float64) float64 { return max(ns(ours)/ns(rust), 1.3*ns(ours)/ns(wazy)) },
		needs: []peer{rust, wazy},
		limit: 1.3,
	})
	pooled.bench[wazy] = "Wasi2Hello"
	pooled.target.excused(1.7, whyStore)
	file := func(what, name, first string, wazyHas bool) row {
		r := wasiRow(what, name, &target{
			text:    "≥ 0.95 × WASI 0.1",
			value:   func(ns func(peer) float64) float64 { return ns(typed) / ns(ours) },
			needs:   []peer{typed},
			limit:   0.95,
			atLeast: true,
		})
		r.bench[typed] = first
		if !wazyHas {
			r.bench[wazy] = ""
		}
		r.bytes = work.FileSize
		return r
	}
	echo := func(what, name string) row {
		r := wasiRow("echo of 16 MiB, "+what, name, &target{
			text:    "≥ 0.9 × plain Go",
			value:   func(ns func(peer) float64) float64 { return ns(cgo) / ns(ours) },
			needs:   []peer{cgo},
			limit:   0.9,
			atLeast: true,
		})
		r.bench[cgo] = "Wasi2Echo"
		r.bytes = work.EchoSize
		return r
	}
	own, inserted := echo("own socket", "Echo"), echo("inserted", "EchoInserted")
	own.bench[rust], inserted.bench[rust], inserted.bench[wazy] = "", "", ""
	return []row{
		wasiRow("`monotonic-clock.now`, an iteration", "Clock", against(rust, "≤ 1.5 × Rust, 0 allocs", 1.5).allocating(0)),
		pooled,
		wasiRow("hello, on demand", "Hello", nil),
		file("read 64 MiB by a stream", "Read", "Read", true),
		file("read 64 MiB on a descriptor", "ReadAt", "Read", false),
		file("write 64 MiB by a stream", "Write", "Write", true),
		file("write 64 MiB on a descriptor", "WriteAt", "Write", false),
		own,
		inserted,
	}
}

// http are the rows on HTTP.
func http() []row {
	body := func(what, name string) row {
		return row{
			work:  "HTTP: body of 10 MiB " + what,
			bench: benches{ours: name, cgo: name},
			bytes: work.BodySize,
			target: &target{
				text:    "≥ 0.8 × plain Go",
				value:   func(ns func(peer) float64) float64 { return ns(cgo) / ns(ours) },
				needs:   []peer{cgo},
				limit:   0.8,
				atLeast: true,
			},
		}
	}
	return []row{
		{
			work:   "HTTP: hello, an instance a request",
			bench:  benches{ours: "HTTPHello", rust: "HTTPHello", wazy: "HTTPHello"},
			target: against(wazy, "ahead of wazy, ≤ 100 allocs", 1).allocating(100),
		},
		{
			work:   "HTTP: hello, one instance",
			bench:  benches{ours: "HTTPHelloReused", wazy: "HTTPHelloReused"},
			target: against(wazy, "ahead of wazy, ≤ 50 allocs", 1).allocating(50),
		},
		{
			work:   "HTTP: hello over TCP, an instance a request",
			bench:  benches{ours: "HTTPServe", rust: "HTTPServe", cgo: "HTTPServe"},
			target: throughput(0.9, "≥ 0.9 × Rust's requests a second"),
		},
		body("from the guest", "HTTPBodyOut"),
		body("to the guest", "HTTPBodyIn"),
		{
			work:  "HTTP: a request of the guest",
			bench: benches{ours: "HTTPFetch", rust: "HTTPFetch", cgo: "HTTPFetch"},
			target: &target{
				text:  "≤ plain Go + 20 µs",
				value: func(ns func(peer) float64) float64 { return (ns(ours) - ns(cgo)) / 1000 },
				needs: []peer{cgo},
				limit: 20,
			},
		},
	}
}

// memory is the target of accesses to guest memory.
func memory() *target {
	return against(rust, "≤ 1.1 × Rust, 0 allocs", 1.1).allocating(0)
}
