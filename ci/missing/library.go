package main

import (
	"bytes"
	"debug/elf"
	"debug/macho"
	"debug/pe"
	"encoding/binary"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// shown finds the names that a library shows, as C has them. An archive has a list of them; no object is read.
func shown(library []byte) (map[string]bool, error) {
	r := bytes.NewReader(library)
	switch {
	case bytes.HasPrefix(library, []byte("!<arch>\n")):
		return archived(library)
	case bytes.HasPrefix(library, []byte(elf.ELFMAG)):
		f, err := elf.NewFile(r)
		if err != nil {
			return nil, err
		}
		symbols, err := f.DynamicSymbols()
		names := map[string]bool{}
		for _, s := range symbols {
			names[s.Name] = names[s.Name] || s.Section != elf.SHN_UNDEF
		}
		return names, err
	case bytes.HasPrefix(library, []byte("MZ")):
		f, err := pe.NewFile(r)
		if err != nil {
			return nil, err
		}
		return exported(f)
	}
	f, err := macho.NewFile(r)
	if err != nil {
		return nil, errors.New("neither an archive nor a shared library")
	}
	names := map[string]bool{}
	if f.Symtab != nil {
		for _, s := range f.Symtab.Syms {
			const external = 1
			if s.Type&external != 0 && s.Sect != 0 {
				names[strings.TrimPrefix(s.Name, "_")] = true
			}
		}
	}
	return names, nil
}

// archived reads the list of symbols that an archive begins with, in the form of GNU or of Darwin.
func archived(library []byte) (map[string]bool, error) {
	const header = 60
	at := len("!<arch>\n")
	if len(library) < at+header {
		return nil, errors.New("an empty archive")
	}
	name := strings.TrimSpace(string(library[at : at+16]))
	size, err := strconv.Atoi(strings.TrimSpace(string(library[at+48 : at+58])))
	if err != nil || at+header+size > len(library) {
		return nil, errors.New("a damaged archive")
	}
	index := library[at+header : at+header+size]
	prefix := ""
	if long, ok := strings.CutPrefix(name, "#1/"); ok {
		n, err := strconv.Atoi(long)
		if err != nil || n > len(index) {
			return nil, errors.New("a damaged archive")
		}
		name, index = strings.TrimRight(string(index[:n]), "\x00"), index[n:]
	}
	var text []byte
	switch {
	case name == "/" && len(index) >= 4:
		count := int(binary.BigEndian.Uint32(index))
		text = index[min(4+4*count, len(index)):]
	case strings.HasPrefix(name, "__.SYMDEF") && len(index) >= 4:
		prefix = "_"
		entries := int(binary.LittleEndian.Uint32(index))
		text = index[min(4+entries+4, len(index)):]
	default:
		return nil, fmt.Errorf("an archive without a list of symbols (%q)", name)
	}
	names := map[string]bool{}
	for name := range strings.SplitSeq(string(text), "\x00") {
		names[strings.TrimPrefix(name, prefix)] = true
	}
	return names, nil
}

// exported reads the names that a DLL exports, which the standard library does not.
func exported(f *pe.File) (map[string]bool, error) {
	header, ok := f.OptionalHeader.(*pe.OptionalHeader64)
	if !ok || header.NumberOfRvaAndSizes == 0 {
		return nil, errors.New("not a 64-bit DLL")
	}
	table := header.DataDirectory[pe.IMAGE_DIRECTORY_ENTRY_EXPORT].VirtualAddress
	for _, section := range f.Sections {
		if table < section.VirtualAddress || table >= section.VirtualAddress+section.VirtualSize {
			continue
		}
		data, err := section.Data()
		if err != nil {
			return nil, err
		}
		word := func(address uint32) uint32 {
			at := int(address - section.VirtualAddress)
			if at < 0 || at+4 > len(data) {
				return 0
			}
			return binary.LittleEndian.Uint32(data[at:])
		}
		names := map[string]bool{}
		count, pointers := word(table+24), word(table+32)
		for n := range count {
			at := int(word(pointers+4*n) - section.VirtualAddress)
			if at < 0 || at >= len(data) {
				return nil, errors.New("a damaged DLL")
			}
			name, _, _ := bytes.Cut(data[at:], []byte{0})
			names[string(name)] = true
		}
		return names, nil
	}
	return nil, errors.New("a DLL that exports nothing")
}
