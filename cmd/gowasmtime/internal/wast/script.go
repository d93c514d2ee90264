package wast

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/gowasmtime/wasmtime"
)

// script is a script as wasm-tools json-from-wast writes it.
type script struct {
	// Source is the name of the text that it was made from.
	Source string `json:"source_filename"`
	// Commands are read one by one, so that a wrong one is the failure of that line.
	Commands []json.RawMessage `json:"commands"`
}

// command is one command of a script. Which fields it has depends on its type.
type command struct {
	Type string `json:"type"`
	Line int    `json:"line"`
	file
	// Name is that of a module, an instance or a thread.
	Name *string `json:"name"`
	// As is the name to register an instance by.
	As string `json:"as"`
	// Instance and Module are those of module_instance.
	Instance *string `json:"instance"`
	Module   *string `json:"module"`
	// Text is what an error has to contain.
	Text     string     `json:"text"`
	Action   *action    `json:"action"`
	Expected []constant `json:"expected"`
	// SharedModule and Commands are a thread's, and Thread is the one to wait for.
	SharedModule *string           `json:"shared_module"`
	Commands     []json.RawMessage `json:"commands"`
	Thread       string            `json:"thread"`
}

// file is a module or component beside the script.
type file struct {
	Filename string `json:"filename"`
	// ModuleType is text or binary. A text that is good has its binary format beside it, as BinaryFilename.
	ModuleType     string `json:"module_type"`
	BinaryFilename string `json:"binary_filename"`
}

// action is a call of an exported function, or a look at an exported global.
type action struct {
	Type string `json:"type"`
	// Module is the instance's name; nil is the current one.
	Module *string    `json:"module"`
	Field  string     `json:"field"`
	Args   []constant `json:"args"`
}

// errText says what to do with a script that nobody has translated.
var errText = errors.New("it is no script in JSON: 'wasm-tools json-from-wast SCRIPT.wast -o SCRIPT.json' writes one, with modules beside it")

// readScript reads a script.
func readScript(path string) (*script, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	s := &script{Source: filepath.Base(path)}
	if !bytes.HasPrefix(bytes.TrimLeft(text, " \t\r\n"), []byte("{")) {
		return nil, errText
	}
	if err := json.Unmarshal(text, s); err != nil {
		return nil, err
	}
	if s.Commands == nil {
		return nil, errors.New("it has no commands")
	}
	return s, nil
}

// readCommand reads one command. Its type and line are there even if the rest is wrong.
func readCommand(text json.RawMessage) (*command, error) {
	c := &command{}
	if err := json.Unmarshal(text, c); err != nil {
		head := &struct {
			Type string
			Line int
		}{}
		json.Unmarshal(text, head) // as much of it as there is
		return &command{Type: head.Type, Line: head.Line}, fmt.Errorf("wrong JSON: %w", err)
	}
	return c, nil
}

// bytes returns the binary format of a module or component in a folder. A text that is none is an error.
func (f *file) bytes(dir string) ([]byte, error) {
	name := f.Filename
	if f.BinaryFilename != "" {
		name = f.BinaryFilename
	}
	if !filepath.IsLocal(name) {
		return nil, &fileError{fmt.Errorf("the module's file %q is not beside the script", name)}
	}
	content, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		return nil, &fileError{err}
	}
	if f.ModuleType == "text" && f.BinaryFilename == "" {
		return wasmtime.Wat2Wasm(string(content))
	}
	return content, nil
}

// fileError says that a module could not be read, which is no fault of the module: no assertion is met by it.
type fileError struct{ err error }

// Error returns the text of the error.
func (e *fileError) Error() string { return e.err.Error() }

// Unwrap returns the error.
func (e *fileError) Unwrap() error { return e.err }
