package wasmtime

import "testing"

// A goroutine that has served a guest may be done at any time: it wakes a guest only while there is one.
func TestWakeOfAStoreThatIsGone(t *testing.T) {
	engine := NewEngine()
	store := NewStore(engine)
	slot := store.state.slot
	awake := func(when string, want bool) {
		if slot.Wake(); slot.awake != want {
			t.Errorf("%s: a guest can be woken: %v", when, slot.awake)
		}
	}
	awake("before the native store is made", false)
	store.GC()
	awake("when it is made", true)
	store.Close()
	awake("when it is closed", false)
	never := NewStore(engine)
	slot = never.state.slot
	awake("before the next one is made", false)
	never.Close()
	awake("when one that was never made is closed", false)
}
