package main

import (
	"net/netip"
	"time"

	"github.com/gowasmtime/wasmtime"
)

// settings is what the arguments say. A nil pointer is an option that was not given.
type settings struct {
	// operands are the arguments that are no options.
	operands []string
	// config is a file with keys of groups.
	config *string

	allowPrecompiled bool
	dirs             []dir
	env              []variable
	files            []file
	listeners        []listener
	preloads         []preload
	invoke           *string
	argv0            *string
	output           string

	// What wast lets pass, and provides.
	ignoreErrorMessages, wasmtimeBuiltins bool

	// engine changes the engine's configuration, in this order.
	engine []engineSetting
	// allProposals switches all proposals on or off that are not named.
	allProposals *bool
	cache        *bool
	cacheConfig  string
	pooling      *bool
	pools        wasmtime.PoolingConfig
	epochs       bool

	fuel                  *uint64
	timeout               *time.Duration
	limits                limits
	unknownImportsTrap    bool
	unknownImportsDefault bool

	// cli is whether the guest gets WASI: all that run provides, what serve does besides the world of a proxy.
	cli        *bool
	inheritEnv bool
	// closed are the standard streams that the guest does not get.
	closed [3]bool
	// maxRandomSize is the most random bytes that the guest gets in one call.
	maxRandomSize *uint64
	// network says which parts of the network a component gets, and cwd where it starts.
	network network
	cwd     *string
	// stores says what a component gets besides WASI 0.2.
	stores stores
	// maxResources is how many descriptors the guest can have, hostcallFuel how many bytes a call may take of the host.
	maxResources, hostcallFuel *uint64
	// http is what a component gets of wasi:http.
	http httpSettings

	// tls gives a component wasi:tls.
	tls bool

	// serve is what serve alone has.
	serve serveSettings
}

// network is what a component gets of the network. With all addresses, it gets sockets of both kinds, unless it is said
// that it does not.
type network struct {
	inherit, lookup, errorCode bool
	tcp, udp                   *bool
}

// stores is what a component gets of wasi:config and wasi:keyvalue.
type stores struct {
	config, keyvalue bool
	// configVars are the variables of wasi:config, and keyvalueData is what the bucket of wasi:keyvalue has at first.
	// Of a name that comes more than once, the last value counts.
	configVars, keyvalueData []nameValue
}

// nameValue is a name with its value.
type nameValue struct{ name, value string }

// httpSettings is what a component gets of wasi:http, if it does at all.
type httpSettings struct {
	on *bool
	// fieldSize is how much the fields of a message may take.
	fieldSize *uint64
	// hosts are what it may send requests to, and networks the addresses that are not public and may be behind them.
	hosts    []string
	networks []netip.Prefix
}

// engineSetting is one change of the engine's configuration, under the name of its key.
type engineSetting struct {
	name  string
	apply func(*wasmtime.Config) error
}

// limits are what a store may use; nil leaves a limit at its default.
type limits struct {
	memorySize, tableElements, instances, tables, memories *uint64
}

// dir is a directory of the host that the guest gets.
type dir struct {
	host, guest string
	readOnly    bool
}

// variable is an environment variable; without a value, it is inherited if it is set.
type variable struct {
	name  string
	value *string
}

// preload is a module that others can import by its name.
type preload struct{ name, path string }

// configure adds a change of the engine's configuration.
func (s *settings) configure(name string, apply func(*wasmtime.Config) error) {
	s.engine = append(s.engine, engineSetting{name, apply})
}

// names tells whether the engine's configuration is changed under a name.
func (s *settings) names(name string) bool {
	for _, e := range s.engine {
		if e.name == name {
			return true
		}
	}
	return false
}
