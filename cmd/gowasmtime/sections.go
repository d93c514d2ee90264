package main

import (
	"encoding/binary"
	"fmt"
	"strings"
)

// sectionNames are the names of the binary format's sections, by their numbers.
func sectionNames() []string {
	return []string{"custom", "type", "import", "function", "table", "memory", "global", "export", "start", "element", "code",
		"data", "data count", "tag"}
}

// The sections that are looked into.
const (
	sectionCustom    = 0
	sectionMemory    = 5
	sectionStart     = 8
	sectionDataCount = 12
)

// describeSections writes a line for each memory and for each section of a module that has been found valid. memories
// is how many memories it imports.
func describeSections(b *strings.Builder, wasm []byte, memories int) {
	names := sectionNames()
	var sections strings.Builder
	for r := (reader{wasm[8:]}); len(r.bytes) > 0; {
		id := int(r.byte())
		body := reader{r.take(r.number())}
		size := len(body.bytes)
		switch {
		case id == sectionCustom:
			fmt.Fprintf(&sections, "custom section %q: %d bytes\n", body.take(body.number()), size)
		case id == sectionStart || id == sectionDataCount || id >= len(names):
			fmt.Fprintf(&sections, "section %s: %d bytes\n", sectionName(names, id), size)
		default:
			entries := body.number()
			fmt.Fprintf(&sections, "section %s: %d bytes, %d entries\n", names[id], size, entries)
			for range entries {
				if id != sectionMemory {
					break
				}
				fmt.Fprintf(b, "memory %d: %v\n", memories, body.memory())
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

// reader reads the binary format. Beyond the end there are zeros.
type reader struct{ bytes []byte }

// byte reads a byte.
func (r *reader) byte() byte {
	if b := r.take(1); len(b) == 1 {
		return b[0]
	}
	return 0
}

// take reads n bytes.
func (r *reader) take(n uint64) []byte {
	n = min(n, uint64(len(r.bytes)))
	taken := r.bytes[:n]
	r.bytes = r.bytes[n:]
	return taken
}

// number reads an unsigned number in LEB128.
func (r *reader) number() uint64 {
	n, length := binary.Uvarint(r.bytes)
	r.take(uint64(max(length, 1)))
	return n
}

// memory reads the type of a memory.
func (r *reader) memory() memoryLimits {
	const bounded, shared, is64, customPages = 1, 2, 4, 8
	flags := r.number()
	l := memoryLimits{bounded: flags&bounded != 0, shared: flags&shared != 0, is64: flags&is64 != 0, pageSize: 1 << 16}
	l.least = r.number()
	if l.bounded {
		l.most = r.number()
	}
	if flags&customPages != 0 {
		l.pageSize = 1 << r.number()
	}
	return l
}
