package component

import (
	"context"
	"net/http"
	"time"
)

// HTTPObserver hears of requests, for metrics and traces. Its methods are called by the goroutines that serve or make
// the requests, several at once.
type HTTPObserver interface {
	// Begin is called before a request is served, or before one of a guest is made. The context that it returns, which
	// must come from that of the request, is the guest's: and so is that of the requests that it makes. It may change
	// the headers of a request that a guest makes.
	Begin(r *http.Request, outgoing bool) context.Context
	// End is called when it is over, with the context that Begin has returned.
	End(ctx context.Context, e HTTPEvent)
}

// HTTPEvent is a request that is over.
type HTTPEvent struct {
	// Request is what came in, or what a guest has sent.
	Request *http.Request
	// Outgoing says that a guest has made the request; then it is over when its headers are there.
	Outgoing bool
	// Status is that of the response, 0 if there was none.
	Status int
	// Duration is how long it took.
	Duration time.Duration
	// Received and Sent are bytes of the bodies of the request and of its response.
	Received, Sent int64
	// Reused says that an instance has served it that had served others before.
	Reused bool
	// Err is what went wrong; nil if nothing did. It wraps what ended the guest.
	Err error
}

// beginOutgoing has an observer hear of a request of a guest. ended says that it is over.
func beginOutgoing(o HTTPObserver, r *http.Request) (observed *http.Request, ended func(status int, err error)) {
	start := time.Now()
	ctx := o.Begin(r, true)
	return r.WithContext(ctx), func(status int, err error) {
		o.End(ctx, HTTPEvent{Request: r, Outgoing: true, Status: status, Duration: time.Since(start), Err: err})
	}
}
