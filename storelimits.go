package wasmtime

import "runtime"

// SetMaxResources sets how many descriptors a guest can have before it may not open more; 1,024 at first, as many as
// Linux lets a process have. Each file, directory or connection that a guest opens takes a descriptor of this
// process, too.
//
// Standard streams and preopened directories count, and so does what is inserted, which is never refused. A guest
// that opens a file or accepts a connection beyond that gets EMFILE; what is open stays open. It may be set at any
// time, also before [Store.SetWasi]. What it is called in the command wasmtime is -S max-resources. See
// wasmtime::component::ResourceTable::set_max_capacity.
func (store *Store) SetMaxResources(n uint64) {
	s := store.state
	outermost := s.mustEnter()
	defer s.Leave(outermost)
	if err := s.native.SetMaxResources(n); !err.IsNil() {
		panic(newError(err))
	}
	runtime.KeepAlive(store)
}

// SetHostcallFuel sets how many bytes a WASI call may make the host copy or keep; 128 MiB at first. A guest whose
// call would take more gets ENOMEM. What it reads and writes is not copied, and does not count.
//
// The listings of directories that a guest reads are kept as long as it has the directories open: 24 bytes and the
// name for each entry of a directory of the host, 32 bytes and the name in a file system that Go serves. All of the
// store together may take as much as one call, those of the host and those that Go serves each for themselves. See
// wasmtime::Store::set_hostcall_fuel.
func (store *Store) SetHostcallFuel(bytes uint64) {
	s := store.state
	outermost := s.mustEnter()
	defer s.Leave(outermost)
	s.native.SetHostcallFuel(bytes)
	s.belongings().shelf.LimitListings(bytes)
	runtime.KeepAlive(store)
}
