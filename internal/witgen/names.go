package main

import (
	"go/token"
	"strings"
	"unicode"

	"github.com/gowasmtime/wasmtime/internal/witjson"
)

// initialisms are words that Go writes in capitals.
var initialisms = map[string]string{
	"api": "API", "dns": "DNS", "http": "HTTP", "id": "ID", "io": "IO", "ip": "IP", "ipv4": "IPv4", "ipv6": "IPv6",
	"json": "JSON", "tcp": "TCP", "tls": "TLS", "ttl": "TTL", "udp": "UDP", "uri": "URI", "url": "URL", "utc": "UTC",
}

// exported is the Go name for one of WIT: ReadViaStream for read-via-stream.
func exported(wit string) string {
	var name strings.Builder
	for word := range strings.SplitSeq(wit, "-") {
		if known := initialisms[strings.ToLower(word)]; known != "" {
			name.WriteString(known)
		} else if word != "" {
			name.WriteString(strings.ToUpper(word[:1]) + word[1:])
		}
	}
	return name.String()
}

// local is the Go name of a parameter: newPath for new-path. The caller of a function is called c.
func local(wit string) string {
	first, rest, _ := strings.Cut(wit, "-")
	name := strings.ToLower(first) + exported(rest)
	switch name {
	case "c", "self", "new", "unsupported", "component", "wasmtime":
		name += "_"
	}
	if token.IsKeyword(name) {
		name += "_"
	}
	return name
}

// unexported is a Go name that starts with a small letter: ipv4Address for IPv4Address, tcpSocket for TCPSocket.
func unexported(name string) string {
	end := strings.IndexFunc(name, func(r rune) bool { return !unicode.IsUpper(r) })
	switch {
	case end < 0:
		return strings.ToLower(name)
	case end > 1 && name[end] != 'v': // the last capital begins the next word
		end--
	}
	return strings.ToLower(name[:end]) + name[end:]
}

// naming says what types and interfaces are called in the Go package.
type naming struct {
	types      map[*witjson.Def]string
	interfaces map[*witjson.Interface]string
}

// general are names of interfaces that say nothing without their package.
var general = map[string]bool{"types": true, "handler": true}

// newNaming chooses names. Where several things have the same in WIT, their packages' names come before it.
func newNaming(interfaces []*witjson.Interface) *naming {
	n := &naming{map[*witjson.Def]string{}, map[*witjson.Interface]string{}}
	taken := map[string]int{}
	each := func(def func(*witjson.Def), iface func(*witjson.Interface)) {
		for _, i := range interfaces {
			for _, d := range i.Types {
				if !d.IsUse() {
					def(d)
				}
			}
			iface(i)
		}
	}
	each(func(d *witjson.Def) { taken[exported(d.Name)]++ },
		func(i *witjson.Interface) {
			if hasFunctions(i, stable) {
				taken[exported(i.Name)]++
			}
		})
	prefix := func(i *witjson.Interface) string {
		if i.Package == nil {
			return ""
		}
		return exported(i.Package.Short())
	}
	each(func(d *witjson.Def) {
		n.types[d] = exported(d.Name)
		if taken[n.types[d]] > 1 {
			n.types[d] = prefix(d.Owner) + n.types[d]
		}
	}, func(i *witjson.Interface) {
		n.interfaces[i] = exported(i.Name)
		if taken[n.interfaces[i]] > 1 || general[i.Name] {
			n.interfaces[i] = prefix(i) + n.interfaces[i]
		}
	})
	return n
}

// stable and unstable choose functions of an interface: those that are always in it, and those that are so with a
// feature only. Of an interface that is unstable as a whole, all functions are stable.
func stable(i *witjson.Interface, f *witjson.Function) bool {
	return f.Feature == "" || f.Feature == i.Feature
}

func unstable(i *witjson.Interface, f *witjson.Function) bool { return !stable(i, f) }

// functions returns those functions of an interface that are methods of its implementation: all but those of values of
// its resources.
func functions(i *witjson.Interface, which func(*witjson.Interface, *witjson.Function) bool) (all []*witjson.Function) {
	for _, f := range i.Functions {
		if f.Role != witjson.Method && which(i, f) {
			all = append(all, f)
		}
	}
	return all
}

func hasFunctions(i *witjson.Interface, which func(*witjson.Interface, *witjson.Function) bool) bool {
	return len(functions(i, which)) > 0
}

// methodName is the Go name of a function as a method of an implementation, or of a resource.
func methodName(f *witjson.Function) string {
	switch f.Role {
	case witjson.Static:
		return exported(f.Resource.Name) + exported(f.Own())
	case witjson.Constructor:
		return "New" + exported(f.Resource.Name)
	}
	return exported(f.Own())
}
