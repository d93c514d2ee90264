// Command gowasmtime runs, compiles and inspects WebAssembly modules, and runs test scripts. Options that the command
// wasmtime of the same release has, it has with the same names and meanings; gowasmtime --help lists them all.
//
// One file is one thing, and data flows one way: options.go reads the arguments by the tables in commands.go and
// keys*.go into settings, and run.go, compile.go, inspect.go and wast.go do what those say.
package main

import (
	"errors"
	"io"
	"io/fs"
	"os"
)

func main() {
	os.Exit(run(os.Args[1:], os.Stdout, os.Stderr))
}

// run does what the arguments say and returns the exit status. The guest's standard streams are those of the process.
func run(args []string, stdout, stderr io.Writer) int {
	return report(stderr, dispatch(args, stdout, stderr))
}

// dispatch finds the command, reads its options, and does it.
func dispatch(args []string, stdout, stderr io.Writer) error {
	cmd, args := findCommand(args)
	s := &settings{}
	operands, err := parse(cmd.options(), args, cmd.trailing, s)
	if err != nil {
		return failedCommand(cmd, stdout, err)
	}
	if err := cmd.checkOperands(operands); err != nil {
		return err
	}
	if s.config != nil {
		if s, err = configured(cmd, args, *s.config); err != nil {
			return err
		}
	}
	s.operands = operands
	err = cmd.do(s, stdout, stderr)
	if cmd.name == "" && errors.Is(err, fs.ErrNotExist) {
		err = misspelt(operands[0], err)
	}
	return err
}

// configured returns what a file says and, on top of it, the arguments, which are known to be good.
func configured(cmd *command, args []string, path string) (*settings, error) {
	s := &settings{}
	if err := readConfig(s, path); err != nil {
		return nil, err
	}
	_, err := parse(cmd.options(), args, cmd.trailing, s)
	return s, err
}
