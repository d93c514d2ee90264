package testkit

import (
	"fmt"
	"strings"
)

// Forward is a function that a component of [Forwarding] imports and exports again, as a function of its own.
type Forward struct {
	// Instance is the import that has it, such as $store, Name its name there, and Export the name of the export.
	Instance, Name, Export string
	// Type is its type in the text format, in the names that the imports define.
	Type string
	// Core are the core types of its parameters, such as i32 i32.
	Core string
	// Borrow is the resource, such as $bucket, if the first parameter is a borrow of it: a guest has to drop that.
	Borrow string
	// Result is the core type of its result: a result that is several is written to memory, and is called memory.
	Result string
}

// Forwarding is the text of a component that calls each function of its imports in an export of its own: for tests that
// call host functions as a guest does. What is passed lies in its memory in between, and is freed after each call.
func Forwarding(imports string, forwards ...Forward) string {
	var lowered, taken, core, given, lifted strings.Builder
	for i, f := range forwards {
		params, get := "", ""
		if f.Core != "" {
			params = "(param " + f.Core + ")"
		}
		for n := range strings.Fields(f.Core) {
			get += fmt.Sprintf(" (local.get %d)", n)
		}
		result, outer, after := "", "", ""
		switch f.Result {
		case "":
		case "memory":
			params, outer = strings.TrimSpace("(param "+f.Core+" i32)"), "(result i32)"
			get, after = get+" (i32.const 16)", " (i32.const 16)"
		default:
			result = "(result " + f.Result + ")"
			outer = result
		}
		own := ""
		if f.Core != "" {
			own = "(param " + f.Core + ")"
		}
		fmt.Fprintf(&lowered, "  (alias export %s %q (func $f%d))\n", f.Instance, f.Name, i)
		fmt.Fprintf(&lowered, "  (core func $l%d (canon lower (func $f%d) (memory $memory) (realloc $realloc)))\n", i, i)
		fmt.Fprintf(&taken, "    (import \"h\" \"f%d\" (func $f%d %s %s))\n", i, i, params, result)
		if f.Borrow != "" {
			fmt.Fprintf(&lowered, "  (core func $d%d (canon resource.drop %s))\n", i, f.Borrow)
			fmt.Fprintf(&taken, "    (import \"h\" \"d%d\" (func $d%d (param i32)))\n", i, i)
			fmt.Fprintf(&given, " (export \"d%d\" (func $d%d))", i, i)
			after = fmt.Sprintf(" (call $d%d (local.get 0))", i) + after
		}
		fmt.Fprintf(&core, "    (func (export \"f%d\") %s %s (call $f%d%s)%s)\n", i, own, outer, i, get, after)
		fmt.Fprintf(&given, " (export \"f%d\" (func $l%d))", i, i)
		options := "(memory $memory) (realloc $realloc) (post-return $reset)"
		switch f.Result {
		case "":
			options = strings.Replace(options, "$reset", "$reset0", 1)
		case "memory", "i32":
		default:
			options = strings.Replace(options, "$reset", "$reset64", 1)
		}
		fmt.Fprintf(&lifted, "  (func (export %q) %s (canon lift (core func $c \"f%d\") %s))\n", f.Export, f.Type, i, options)
	}
	return `(component
` + imports + `
  (core module $mem
    (memory (export "memory") 1)
    (global $next (mut i32) (i32.const 1024))
    (func (export "realloc") (param i32 i32 i32 i32) (result i32)
      (local $p i32)
      (local.set $p (i32.and (i32.add (global.get $next) (i32.sub (local.get 2) (i32.const 1)))
                             (i32.sub (i32.const 0) (local.get 2))))
      (global.set $next (i32.add (local.get $p) (local.get 3)))
      (if (i32.gt_u (global.get $next) (i32.mul (memory.size) (i32.const 65536)))
        (then (drop (memory.grow (i32.add (i32.const 1) (i32.div_u (local.get 3) (i32.const 65536)))))))
      (local.get $p))
    (func (export "reset0") (global.set $next (i32.const 1024)))
    (func (export "reset") (param i32) (global.set $next (i32.const 1024)))
    (func (export "reset64") (param i64) (global.set $next (i32.const 1024))))
  (core instance $i (instantiate $mem))
  (alias core export $i "memory" (core memory $memory))
  (alias core export $i "realloc" (core func $realloc))
  (alias core export $i "reset0" (core func $reset0))
  (alias core export $i "reset" (core func $reset))
  (alias core export $i "reset64" (core func $reset64))
` + lowered.String() + `  (core module $m
` + taken.String() + core.String() + `  )
  (core instance $c (instantiate $m (with "h" (instance` + given.String() + `))))
` + lifted.String() + `)`
}
