// Package httpvars publishes what a [component.Handler] does as variables of package expvar.
//
//	vars := httpvars.New("guest")
//	handler := component.NewHandler(pre, component.WithObserver(vars))
//
// It is a package of its own because expvar serves its variables under /debug/vars of [http.DefaultServeMux] in every
// program that has it.
package httpvars

import (
	"context"
	"errors"
	"expvar"
	"net/http"
	"strconv"

	"github.com/gowasmtime/wasmtime"
	"github.com/gowasmtime/wasmtime/component"
)

// Vars is an observer that counts. It is a [component.HTTPObserver], for any number of handlers and linkers at once.
type Vars struct {
	in, out                               *counts
	traps, reused, received, sent, micros expvar.Int
}

// counts are requests of one direction.
type counts struct {
	active, total, failed expvar.Int
	status                expvar.Map
}

// New makes an observer, and publishes its variables as a map with a name. Like [expvar.Publish], it ends the program
// if something has that name already. The map has:
//
//	requests_active, requests     requests that are being served, and those that have been
//	requests_failed               those with an error, and traps: those that a guest's trap has ended
//	requests_reused               those that were served by an instance that had served others
//	status                        a map with the number of responses by status: 2xx, 5xx; none for those without one
//	microseconds                  how long all of them together have taken
//	received_bytes, sent_bytes    of the bodies of requests and responses
//	outgoing_active, outgoing, outgoing_failed, outgoing_status   the same of requests that guests have made
func New(name string) *Vars {
	v := &Vars{in: &counts{}, out: &counts{}}
	v.in.status.Init()
	v.out.status.Init()
	m := expvar.NewMap(name)
	for key, value := range map[string]expvar.Var{
		"requests_active": &v.in.active, "requests": &v.in.total, "requests_failed": &v.in.failed, "status": &v.in.status,
		"requests_reused": &v.reused, "traps": &v.traps, "microseconds": &v.micros, "received_bytes": &v.received,
		"sent_bytes": &v.sent, "outgoing_active": &v.out.active, "outgoing": &v.out.total, "outgoing_failed": &v.out.failed,
		"outgoing_status": &v.out.status,
	} {
		m.Set(key, value)
	}
	return v
}

// of returns the counts of a direction.
func (v *Vars) of(outgoing bool) *counts {
	if outgoing {
		return v.out
	}
	return v.in
}

// Begin counts a request that begins. The context is that of the request.
func (v *Vars) Begin(r *http.Request, outgoing bool) context.Context {
	v.of(outgoing).active.Add(1)
	return r.Context()
}

// End counts a request that is over.
func (v *Vars) End(_ context.Context, e component.HTTPEvent) {
	c := v.of(e.Outgoing)
	c.active.Add(-1)
	c.total.Add(1)
	class := "none"
	if e.Status > 0 {
		class = strconv.Itoa(e.Status/100) + "xx"
	}
	c.status.Add(class, 1)
	if e.Err != nil {
		c.failed.Add(1)
	}
	if e.Outgoing {
		return
	}
	v.micros.Add(e.Duration.Microseconds())
	v.received.Add(e.Received)
	v.sent.Add(e.Sent)
	if e.Reused {
		v.reused.Add(1)
	}
	if _, ok := errors.AsType[*wasmtime.Trap](e.Err); ok {
		v.traps.Add(1)
	}
}
