package main

import (
	"go/constant"
	"go/token"
	"go/types"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
)

// The parts of the headers that a Go declaration can depend on.
var (
	cComment = regexp.MustCompile(`(?s)/\*.*?\*/|//[^\n]*`)
	cDefine  = regexp.MustCompile(`(?m)^[ \t]*#[ \t]*define[ \t]+(\w+)[ \t]+\(?(-?(?:0[xX][0-9a-fA-F]+|\d+))[uUlL]*\)?[ \t]*$`)
	cEnum    = regexp.MustCompile(`(?s)\benum\b\s*(?:class\s+)?\w*\s*(?::\s*\w+\s*)?\{([^{}]*)\}`)
	cTypedef = regexp.MustCompile(`(?m)\btypedef\s+(?:const\s+)?(\w+)\s+(\w+)\s*;`)
	cName    = regexp.MustCompile(`\b[A-Za-z_]\w*\b`)
)

// cBasics maps the C types that stand for numbers to Go's.
var cBasics = map[string]types.BasicKind{
	"bool": types.Bool, "_Bool": types.Bool, "byte_t": types.Uint8, "float32_t": types.Float32, "float64_t": types.Float64,
	"char": types.Int8, "schar": types.Int8, "uchar": types.Uint8, "int": types.Int32, "uint": types.Uint32, "long": types.Int64, "ulong": types.Uint64,
	"int8_t": types.Int8, "uint8_t": types.Uint8, "int16_t": types.Int16, "uint16_t": types.Uint16,
	"int32_t": types.Int32, "uint32_t": types.Uint32, "int64_t": types.Int64, "uint64_t": types.Uint64,
	"size_t": types.Uint64, "intptr_t": types.Int64, "uintptr_t": types.Uint64, "float": types.Float32, "double": types.Float64,
}

// parseHeaders makes a package "C" out of the headers below the directories given:
// plain numbers (#define and enum) as constants, names of integer types with their
// size, and every other name that could be a type as an opaque one. Directories that
// do not exist are skipped.
func parseHeaders(dirs []string) (*types.Package, error) {
	pkg := types.NewPackage("C", "C")
	scope := pkg.Scope()
	typedefs := map[string]string{}
	var names []string
	for _, dir := range dirs {
		if _, err := os.Stat(dir); os.IsNotExist(err) {
			continue
		}
		err := filepath.WalkDir(dir, func(path string, _ fs.DirEntry, err error) error {
			if err != nil || filepath.Ext(path) != ".h" {
				return err
			}
			data, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			text := cComment.ReplaceAllString(string(data), " ")
			for _, m := range cDefine.FindAllStringSubmatch(text, -1) {
				if value, err := strconv.ParseInt(m[2], 0, 64); err == nil {
					addConst(pkg, m[1], value)
				}
			}
			for _, m := range cEnum.FindAllStringSubmatch(text, -1) {
				addEnum(pkg, m[1])
			}
			for _, m := range cTypedef.FindAllStringSubmatch(text, -1) {
				typedefs[m[2]] = m[1]
			}
			names = append(names, cName.FindAllString(text, -1)...)
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	for name, kind := range cBasics {
		addType(pkg, name, types.Typ[kind])
	}
	for _, name := range names {
		if scope.Lookup(name) == nil {
			addType(pkg, name, underlyingOf(name, typedefs))
		}
	}
	pkg.MarkComplete()
	return pkg, nil
}

// underlyingOf follows typedefs down to a number, or ends at an opaque type.
func underlyingOf(name string, typedefs map[string]string) types.Type {
	for range 10 {
		if kind, ok := cBasics[name]; ok {
			return types.Typ[kind]
		}
		next, ok := typedefs[name]
		if !ok {
			break
		}
		name = next
	}
	return types.NewStruct(nil, nil)
}

func addEnum(pkg *types.Package, body string) {
	next := int64(0)
	for entry := range strings.SplitSeq(body, ",") {
		name, value, explicit := strings.Cut(entry, "=")
		if name = strings.TrimSpace(name); name == "" {
			continue
		}
		if explicit {
			n, err := strconv.ParseInt(strings.TrimRight(strings.TrimSpace(value), "uUlL"), 0, 64)
			if err != nil {
				return // an expression: the rest is not a plain number
			}
			next = n
		}
		addConst(pkg, name, next)
		next++
	}
}

func addConst(pkg *types.Package, name string, value int64) {
	pkg.Scope().Insert(types.NewConst(token.NoPos, pkg, name, types.Typ[types.UntypedInt], constant.MakeInt64(value)))
}

func addType(pkg *types.Package, name string, underlying types.Type) {
	obj := types.NewTypeName(token.NoPos, pkg, name, nil)
	types.NewNamed(obj, underlying, nil)
	pkg.Scope().Insert(obj)
}
