package served

import "testing"

// The lowest free place is used first, and what is elsewhere stays.
func TestTable(t *testing.T) {
	var tab table
	all := make([]Descriptor, 10)
	for i := range all {
		if n := tab.add(&all[i]); n != uint64(i) {
			t.Fatalf("descriptor %d is number %d", i, n)
		}
	}
	for _, i := range []uint64{7, 2, 9} {
		tab.remove(5<<tableBits | i)
		if tab.get(i) != nil {
			t.Errorf("%d is there", i)
		}
	}
	for _, want := range []uint64{2, 7, 9, 10} {
		if n := tab.add(&all[want%10]); n != want {
			t.Errorf("the lowest free number is %d, not %d", want, n)
		}
	}
	for i := range all {
		if tab.get(5<<tableBits|uint64(i)) != &all[i] {
			t.Errorf("%d is another descriptor", i)
		}
	}
}

// Each writer has its pipe, the first one and all others, as long as it is there.
func TestPipes(t *testing.T) {
	var p pipes
	writers := make([]countingWriter, 3)
	streams := make([]*Stream, len(writers))
	for i := range writers {
		streams[i] = NewWriter(&writers[i]).by.(*Stream)
		if p.share(streams[i]) != streams[i] {
			t.Error("a pipe of another writer")
		}
	}
	for i := range writers {
		if p.get(&writers[i]) != streams[i] {
			t.Errorf("pipe %d is lost", i)
		}
	}
	p.forget(streams[0])
	p.forget(streams[0])
	again := NewWriter(&writers[1]).by.(*Stream)
	if p.get(&writers[0]) != nil || p.share(again) != streams[1] {
		t.Error("the wrong pipe was forgotten")
	}
	p.keep(again)
	p.forget(streams[1]) // which is not the writer's any more
	if p.get(&writers[1]) != again || p.get(&writers[2]) != streams[2] {
		t.Error("another pipe is a writer's")
	}
	p.forget(again)
	p.forget(streams[2])
	first := NewWriter(&writers[2]).by.(*Stream)
	if p.share(first) != first || p.first != first {
		t.Error("the first of all is not the first")
	}
}

type countingWriter struct{ n int }

func (w *countingWriter) Write(p []byte) (int, error) { w.n += len(p); return len(p), nil }
