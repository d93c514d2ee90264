// Command component calls functions of a component with lists of strings, and lets it call functions in Go.
package main

import (
	"context"
	_ "embed"
	"fmt"
	"log"
	"strings"
	"unicode/utf8"

	"github.com/gowasmtime/wasmtime"
	"github.com/gowasmtime/wasmtime/component"
)

//go:embed guest.wat
var guest []byte

func main() {
	if err := run(); err != nil {
		log.Fatal(err)
	}
}

// host is what the component imports: the methods are the functions of an interface.
type host struct{}

// Weight is weight: func(word: string) -> u32.
func (host) Weight(word string) uint32 { return uint32(utf8.RuneCountInString(word)) }

// Log is log: func(text: string).
func (host) Log(text string) { fmt.Println("the guest says:", text) }

func run() error {
	engine := wasmtime.NewEngine()
	defer engine.Close()
	words, err := component.New(engine, guest)
	if err != nil {
		return err
	}
	for _, export := range words.Exports() {
		for _, item := range export.Items() {
			fmt.Printf("%s#%s: %v\n", export.Name, item.Name, item.Func())
		}
	}

	linker := component.NewLinker(engine)
	if err := linker.Instance("example:words/host@1.0.0").InterfaceOf(words, host{}); err != nil {
		return err
	}
	store := wasmtime.NewStore(engine)
	defer store.Close()
	instance, err := linker.Instantiate(context.Background(), store, words)
	if err != nil {
		return err
	}

	// Bound by types: they are compared here, and not by each call.
	f, err := instance.Func("example:words/words@1.0.0#reverse")
	if err != nil {
		return err
	}
	reverse, err := component.Bind1[[]string, []string](f)
	if err != nil {
		return err
	}
	reversed, err := reverse.Call(context.Background(), strings.Fields("tea coffee milk"))
	if err != nil {
		return err
	}
	fmt.Println("reversed:", reversed)

	// Called with whatever there is: an option is its value, or nil.
	if f, err = instance.Func("example:words/words@1.0.0#heaviest"); err != nil {
		return err
	}
	for _, list := range [][]string{reversed, nil} {
		heaviest, err := f.Call(context.Background(), list)
		if err != nil {
			return err
		}
		fmt.Println("heaviest:", heaviest)
	}

	// What does not fit is found before anything runs, and the error says where.
	_, err = component.Bind1[[]int, []string](f)
	fmt.Println(err)
	return nil
}
