// Command boltstore gives components wasi:keyvalue on a database that is embedded in the program, go.etcd.io/bbolt:
// what they set is there after a restart. It is a module of its own, so that the database is nothing that other users
// of package wasmtime download.
package main

import (
	"context"
	_ "embed"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"time"

	"github.com/gowasmtime/wasmtime"
	"github.com/gowasmtime/wasmtime/component"
	"github.com/gowasmtime/wasmtime/component/wasikeyvalue"
	bolt "go.etcd.io/bbolt"
)

// guest exports visit: func(name: string) -> result<u64, error>, which counts the visits of a name in the bucket
// "visits".
//
//go:embed guest.wat
var guest []byte

func main() {
	if err := run(); err != nil {
		log.Fatal(err)
	}
}

func run() error {
	dir, err := os.MkdirTemp("", "boltstore-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	for range 2 { // as if the program had been started twice
		if err := visits(filepath.Join(dir, "data.db")); err != nil {
			return err
		}
	}
	return nil
}

// visits lets a component count some visits in a database.
func visits(path string) error {
	db, err := bolt.Open(path, 0o600, &bolt.Options{Timeout: time.Second})
	if err != nil {
		return err
	}
	defer db.Close()
	err = db.Update(func(tx *bolt.Tx) error {
		_, err := tx.CreateBucketIfNotExists([]byte("visits"))
		return err
	})
	if err != nil {
		return err
	}

	engine := wasmtime.NewEngine()
	defer engine.Close()
	c, err := component.New(engine, guest)
	if err != nil {
		return err
	}
	linker := component.NewLinker(engine)
	if err := wasikeyvalue.Define(linker, &boltStore{db: db, most: 64 << 20, mostValue: 1 << 20}); err != nil {
		return err
	}
	pre, err := linker.InstantiatePre(c)
	if err != nil {
		return err
	}
	for _, name := range []string{"ada", "grace", "ada"} {
		count, err := visit(engine, pre, name)
		if err != nil {
			return err
		}
		fmt.Println(name, count)
	}
	return nil
}

// visit counts a visit in a store of its own, as a request would.
func visit(engine *wasmtime.Engine, pre *component.InstancePre, name string) (uint64, error) {
	store := wasmtime.NewStore(engine)
	defer store.Close()
	instance, err := pre.Instantiate(context.Background(), store)
	if err != nil {
		return 0, err
	}
	f, err := instance.Func("visit")
	if err != nil {
		return 0, err
	}
	visit, err := component.Bind1[string, uint64](f)
	if err != nil {
		return 0, err
	}
	return visit.Call(context.Background(), name)
}
