package http

import (
	"net/http/httptest"
	"testing"
)

// BenchmarkHandler serves requests without a server, an instance for each.
func BenchmarkHandler(b *testing.B) {
	s := serve(b, nil)
	r := httptest.NewRequest("GET", "/count", nil)
	b.ReportAllocs()
	for b.Loop() {
		w := httptest.NewRecorder()
		s.handler.ServeHTTP(w, r)
		if w.Code != 200 {
			b.Fatal(w.Code)
		}
	}
}
