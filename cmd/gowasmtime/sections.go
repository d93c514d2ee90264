package main

import (
	"fmt"
	"strings"

	"github.com/gowasmtime/wasmtime/internal/wasmfile"
)

// sectionNames are the names of the binary format's sections, by their numbers.
func sectionNames() []string {
	return []string{"custom", "type", "import", "function", "table", "memory", "global", "export", "start", "element", "code",
		"data", "data count", "tag"}
}

// describeSections writes a line for each memory and for each section of a module that has been found valid. memories
// is how many memories it imports.
func describeSections(b *strings.Builder, wasm []byte, memories int) {
	names := sectionNames()
	var sections strings.Builder
	for id, body := range wasmfile.Sections(wasm) {
		size := len(body.Bytes)
		switch {
		case id == wasmfile.SectionCustom:
			fmt.Fprintf(&sections, "custom section %q: %d bytes\n", body.Take(body.Number()), size)
		case id == wasmfile.SectionStart || id == wasmfile.SectionDataCount || id >= len(names):
			fmt.Fprintf(&sections, "section %s: %d bytes\n", sectionName(names, id), size)
		default:
			entries := body.Number()
			fmt.Fprintf(&sections, "section %s: %d bytes, %d entries\n", names[id], size, entries)
			for range entries {
				if id != wasmfile.SectionMemory {
					break
				}
				fmt.Fprintf(b, "memory %d: %v\n", memories, readMemory(body))
				memories++
			}
		}
	}
	b.WriteString(sections.String())
}

// sectionName is a section's name, or its number if it has none.
func sectionName(names []string, id int) string {
	if id < len(names) {
		return names[id]
	}
	return fmt.Sprint(id)
}

// readMemory reads the type of a memory.
func readMemory(r *wasmfile.Reader) memoryLimits {
	const bounded, shared, is64, customPages = 1, 2, 4, 8
	flags := r.Number()
	l := memoryLimits{bounded: flags&bounded != 0, shared: flags&shared != 0, is64: flags&is64 != 0, pageSize: 1 << 16}
	l.least = r.Number()
	if l.bounded {
		l.most = r.Number()
	}
	if flags&customPages != 0 {
		l.pageSize = 1 << r.Number()
	}
	return l
}
