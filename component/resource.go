package component

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"sync/atomic"
	"unsafe"

	"github.com/gowasmtime/wasmtime"
	"github.com/gowasmtime/wasmtime/ffi"
	"github.com/gowasmtime/wasmtime/internal/canon"
	"github.com/gowasmtime/wasmtime/internal/registry"
)

// ResourceType is a resource of the host: what guests have handles of, and Go values are. It is made by [ResourceOf]
// and given to [LinkerInstance.Resource], [LinkerInstance.Interface] or both any number of times, wherever it is to be
// the same resource.
type ResourceType struct {
	def     *resourceDef
	witName string
}

// resourceDef is what a resource is in Go.
type resourceDef struct {
	goType reflect.Type
	number uint32
	// guest is the native type of a resource of a guest that others import; the handle of others counts as closed.
	guest registry.Handle[ffi.ComponentResourceType]
}

// isGuests tells whether it is a resource of a guest.
func (d *resourceDef) isGuests() bool { return d == nil || !d.guest.Closed() }

var resourceNumbers atomic.Uint32

// ResourceOf makes a resource whose values are of a Go type: a pointer, an interface, or a struct of one pointer. If
// values have a method Close() or Close() error, that is the destructor: it is called when a guest drops the handle
// that owns the value, and by [wasmtime.Store.Close] for values that guests own then. An error of it ends the guest
// that drops the handle.
//
// A host function that returns a value as an own gives it to the guest: it is in the store's [Table] until the guest
// drops it, or gives it back as the own of another call. If the guest cannot have it, since it has come to a limit or
// something else in the result is wrong, the value is closed with the store. What a guest gives back together with
// something that cannot be read is closed at once. As a borrow, a value is the guest's for the length of a call.
// A value that is given several times is as many handles, and is closed with each of them: give one that guests share
// a Close that does nothing, or none.
func ResourceOf[T any]() ResourceType {
	return ResourceType{def: &resourceDef{goType: reflect.TypeFor[T](), number: resourceNumbers.Add(1)}}
}

// Named returns the same resource for a name of WIT that is not that of its Go type.
func (r ResourceType) Named(name string) ResourceType { return ResourceType{r.def, name} }

// name is the name of WIT, or that of the Go type.
func (r ResourceType) name() string {
	if r.witName != "" {
		return r.witName
	}
	t := r.def.goType
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	return t.Name()
}

// check tells why it cannot be a resource.
func (r ResourceType) check() error {
	if r.def == nil {
		return fmt.Errorf("a ResourceType that is none: use ResourceOf")
	}
	switch t := r.def.goType; {
	case t.Kind() == reflect.Pointer || t.Kind() == reflect.Interface:
	case t.Kind() == reflect.Struct && t.NumField() == 1 && t.Field(0).Type.Kind() == reflect.Pointer:
	default:
		return fmt.Errorf("values of a resource are pointers, interfaces or structs of one pointer, and not %v", t)
	}
	return nil
}

// Resource is a handle of a resource that a guest defines. It belongs to a store. One that a function has returned as
// an own is the program's: it is passed on as an own or a borrow, or dropped. One that a host function got as a borrow
// is good until that returns. A Resource that is neither dropped nor given away stays in the store until that is
// closed.
//
// A struct whose only field is a *Resource stands for it as well, so that resources can have Go types of their own.
type Resource struct {
	state  *state
	handle uint32
	name   string
}

// Name returns the resource's name, as the component exports it; "" if it has none.
func (r *Resource) Name() string { return notNil(r, "resource").name }

// Drop drops the handle; if it owns the resource, the guest's destructor runs. ctx may be nil and is as for
// [Func.Call]. Dropping twice, or what was given away, is an error that wraps [ErrHandle].
//
// A resource of WASI has to outlive what was made of it: a tcp-socket its streams, and each of them its pollables. To
// drop it earlier is an error that wraps [ErrHasChildren], and changes nothing: it can be used, and dropped later. See
// wasmtime::component::ResourceAny::resource_drop.
func (r *Resource) Drop(ctx context.Context) (err error) {
	if r == nil || r.state == nil {
		return isNil("resource")
	}
	s := r.state
	within, err := s.store.EnterCall(ctx)
	if err != nil {
		return err
	}
	defer func() { err = s.store.LeaveCall(within, err) }()
	if s.call.Drop(s.store.Room(), r.handle) {
		return nil
	}
	failed := s.store.Failure(s.call.Failure())
	if errors.Unwrap(failed) == ErrHasChildren {
		return errorf(ErrHasChildren, "drop of the resource %s: %v: drop those first", r.name, ErrHasChildren)
	}
	return withRemedy(failed)
}

// handles says how Go values stand for a component's resources.
type handles struct {
	// defs are those that the component imports, by their numbers; nil for those that it defines.
	defs []*resourceDef
}

var (
	resourceType = reflect.TypeFor[*Resource]()
	anyType      = reflect.TypeFor[any]()
)

// isAny tells whether a type is an interface without methods, by whatever name.
func isAny(t reflect.Type) bool { return t.Kind() == reflect.Interface && t.NumMethod() == 0 }

// Handle returns how a Go type stands for an own or a borrow.
func (h *handles) Handle(t reflect.Type, wit *canon.Type, dir canon.Dir) (canon.HandleCodec, error) {
	def := h.defs[wit.Resource]
	if def.isGuests() {
		wraps := t.Kind() == reflect.Struct && t.NumField() == 1 && t.Field(0).Type == resourceType
		if t != resourceType && !isAny(t) && !wraps {
			return canon.HandleCodec{}, errorf(ErrType, "a handle of the resource %s is a *component.Resource, or a struct of one, as long as no ResourceOf gives the resource another Go type; Go has %v", wit.ResourceName, t)
		}
		return guestCodec(t, wit), nil
	}
	fits := t == def.goType || t.Kind() == reflect.Interface && (def.goType.Implements(t) || dir == canon.Decode && isAny(t)) ||
		dir == canon.Encode && def.goType.Kind() == reflect.Interface && t.Implements(def.goType)
	if !fits {
		return canon.HandleCodec{}, errorf(ErrType, "values of the resource %s are %v, Go has %v", wit.ResourceName, def.goType, t)
	}
	return hostCodec(t, def, wit.Kind == canon.Own), nil
}

// guestCodec carries handles of guests' resources.
func guestCodec(t reflect.Type, wit *canon.Type) canon.HandleCodec {
	return canon.HandleCodec{
		Lower: func(m *canon.Message, value unsafe.Pointer) (uint32, error) {
			var r *Resource
			if isAny(t) {
				switch v := (*(*any)(value)).(type) {
				case *Resource:
					r = v
				default:
					return 0, errorf(ErrType, "a resource of a guest is a *component.Resource, and not %T", v)
				}
			} else {
				r = *(**Resource)(value)
			}
			switch {
			case r == nil:
				return 0, errorf(ErrHandle, "the resource is nil")
			case r.state != m.Context.(*state):
				return 0, wasmtime.ErrWrongStore
			}
			r.state.handed = append(r.state.handed, handed{r.name, wit.ResourceName})
			return r.handle, nil
		},
		Lift: func(v *canon.View, handle uint32, value unsafe.Pointer) error {
			r := &Resource{v.Context.(*state), handle, wit.ResourceName}
			if isAny(t) {
				*(*any)(value) = r
			} else {
				*(**Resource)(value) = r
			}
			return nil
		},
	}
}

// handed is a resource that a message has been given for another, by their names, which need not be the same.
type handed struct{ name, wanted string }

// explain adds to the error about an argument that is a handle of another resource what was given, and for what: the
// native library knows no names.
func (s *state) explain(err error) error {
	if !strings.Contains(err.Error(), "a handle is of another resource") {
		return err
	}
	var given []string
	for _, h := range s.handed {
		if text := h.name + " for " + h.wanted; h.name != h.wanted && !slices.Contains(given, text) {
			given = append(given, text)
		}
	}
	if len(given) > 0 {
		return errorf(ErrHandle, "%v: it was given %s", err, someOf(given))
	}
	return errorf(ErrHandle, "%v: that of another component, say, which has the same name", err)
}

// hostCodec carries handles of a resource of the host: the numbers of Go values in the store's table.
func hostCodec(t reflect.Type, def *resourceDef, own bool) canon.HandleCodec {
	return canon.HandleCodec{
		Lower: func(m *canon.Message, value unsafe.Pointer) (uint32, error) {
			v := reflect.NewAt(t, value).Elem().Interface()
			got := reflect.TypeOf(v)
			switch {
			case v == nil || got.Kind() == reflect.Pointer && reflect.ValueOf(v).IsNil():
				return 0, errorf(ErrHandle, "the resource is nil")
			case got != def.goType && (def.goType.Kind() != reflect.Interface || !got.Implements(def.goType)):
				return 0, errorf(ErrType, "values of the resource are %v, and not %v", def.goType, got)
			}
			s := m.Context.(*state)
			switch {
			case own && m == &s.answer:
				return s.table.answer(v, def), nil
			case own:
				return s.table.give(v, def)
			}
			return s.table.lend(v, def)
		},
		Lift: func(v *canon.View, handle uint32, value unsafe.Pointer) error {
			table := &v.Context.(*state).table
			var found any
			var err error
			if own {
				found, err = table.receive(handle, def)
			} else {
				found, err = table.get(handle, def)
			}
			if err != nil {
				return err
			}
			reflect.NewAt(t, value).Elem().Set(reflect.ValueOf(found))
			return nil
		},
	}
}

// destructor is what serves the drop of a handle that owns a value of the host. path are the names of the resource.
func destructor(path []string, def *resourceDef) *boundHost {
	return &boundHost{name: path, fn: &goFunc{run: func(_ *wasmtime.Caller, b *boundHost, s *state, call *ffi.ComponentHostCall) error {
		rep := binary.LittleEndian.Uint32(call.Message())
		call.Len = 0
		value, err := s.table.take(rep, def)
		if err == nil {
			err = closeValue(value)
		}
		if err != nil {
			return b.failed(fmt.Errorf("drop: %w", err))
		}
		return nil
	}}}
}

// closeValue runs the destructor of a value of the host, if it has one.
func closeValue(value any) error {
	switch v := value.(type) {
	case interface{ Close() error }:
		return v.Close()
	case interface{ Close() }:
		v.Close()
	}
	return nil
}

// Limits are how much guests of a store may take of the host. A field of 0, or less, leaves a limit as it is.
type Limits struct {
	// Resources is how many Go values guests may own at once, 65,536 at first, and how many handles of guests'
	// resources the program may have.
	Resources int
	// Handles is how many handles all guests of the store and the program may have together, 100,000 at first. More
	// than 1,048,575 are never possible.
	Handles int
}

// SetLimits limits what guests of the store may take of the host from now on; what they have, they keep. What a guest
// does beyond a limit ends it with an error that wraps [ErrTooManyHandles]. How many bytes it may pass in one call is
// limited by [wasmtime.Store.SetHostcallFuel], memories and the number of instances by [wasmtime.Store.SetLimits]. It
// panics if the store is closed or in use by another goroutine.
func SetLimits(store wasmtime.Storelike, limits Limits) {
	inside, outermost := mustEnter(store)
	defer inside.Leave(outermost)
	s, native := stateOf(inside), inside.Native()
	if limits.Resources > 0 {
		s.table.limit = limits.Resources
		native.SetHandleLimit(uint64(min(limits.Resources, ffi.MostHandles)))
	}
	if limits.Handles > 0 {
		native.SetGuestHandleLimit(uint64(min(limits.Handles, ffi.MostHandles)))
	}
}
