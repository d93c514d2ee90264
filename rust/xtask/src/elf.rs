//! A relocatable ELF object, 64-bit and little-endian, as plain data: read, changed by `compact`, written.

use anyhow::{Context, Result, ensure};
use object::elf;
use object::read::elf::{FileHeader as _, Rela as _, SectionHeader as _, Sym as _};
use object::write::elf::{FileHeader, Rel, SectionHeader, SectionIndex, Sym as WriteSym, SymbolIndex, Writer};
use object::{Endianness, LittleEndian as LE};

/// An object file. Indices of sections and symbols are positions in these vectors; 0 is the null entry, as in the file.
pub struct Object {
    pub machine: u16,
    /// What the machine has to say about the whole file, such as how it passes floating-point numbers.
    pub flags: u32,
    pub sections: Vec<Section>,
    pub symbols: Vec<Symbol>,
}

/// A section with its relocations. Symbol table, string tables and relocation sections are not among them.
#[derive(Default)]
pub struct Section {
    pub name: Vec<u8>,
    pub kind: u32,
    pub flags: u64,
    pub align: u64,
    pub entsize: u64,
    /// The size; the length of `data` unless the section takes no space in the file.
    pub size: u64,
    pub data: Vec<u8>,
    pub relocs: Vec<Reloc>,
}

/// A symbol.
#[derive(Clone, Default)]
pub struct Symbol {
    pub name: Vec<u8>,
    pub bind: u8,
    pub kind: u8,
    pub other: u8,
    /// A position in `Object::sections`, or one of the reserved numbers; 0 for an undefined symbol.
    pub section: usize,
    pub value: u64,
    pub size: u64,
}

/// A relocation.
#[derive(Clone, Debug, PartialEq)]
pub struct Reloc {
    pub offset: u64,
    pub kind: u32,
    pub symbol: usize,
    pub addend: i64,
}

impl Symbol {
    /// Whether it has a place in a section of this object.
    pub fn is_defined(&self) -> bool {
        self.section != 0 && self.section < usize::from(elf::SHN_LORESERVE)
    }
}

impl Object {
    /// Reads an object.
    pub fn parse(bytes: &[u8]) -> Result<Self> {
        let header = elf::FileHeader64::<LE>::parse(bytes)?;
        ensure!(header.e_type(LE) == elf::ET_REL, "not an object");
        let table = header.sections(LE, bytes)?;
        let mut sections = Vec::new();
        for header in table.iter() {
            sections.push(Section {
                name: table.section_name(LE, header)?.into(),
                kind: header.sh_type(LE),
                flags: header.sh_flags(LE),
                align: header.sh_addralign(LE),
                entsize: header.sh_entsize(LE),
                size: header.sh_size(LE),
                data: header.data(LE, bytes)?.into(),
                relocs: Vec::new(),
            });
        }
        let mut symbols = Vec::new();
        for (index, header) in table.iter().enumerate() {
            match header.sh_type(LE) {
                elf::SHT_RELA => {
                    let (relas, _) = header.rela(LE, bytes)?.context("a relocation section")?;
                    sections[header.sh_info(LE) as usize].relocs = relas
                        .iter()
                        .map(|r| Reloc {
                            offset: r.r_offset(LE),
                            kind: r.r_type(LE, false),
                            symbol: r.r_sym(LE, false) as usize,
                            addend: r.r_addend(LE),
                        })
                        .collect();
                }
                elf::SHT_SYMTAB => {
                    let table = header.symbols(LE, bytes, &table, object::SectionIndex(index))?;
                    let table = table.context("a symbol table")?;
                    for symbol in table.iter() {
                        symbols.push(Symbol {
                            name: table.symbol_name(LE, symbol)?.into(),
                            bind: symbol.st_bind(),
                            kind: symbol.st_type(),
                            other: symbol.st_other(),
                            section: symbol.st_shndx(LE).into(),
                            value: symbol.st_value(LE),
                            size: symbol.st_size(LE),
                        });
                    }
                }
                _ => {}
            }
        }
        for section in &mut sections {
            if matches!(section.kind, elf::SHT_RELA | elf::SHT_SYMTAB | elf::SHT_STRTAB) {
                *section = Section::default();
            }
            ensure!(section.kind != elf::SHT_GROUP, "the partial link left a section group");
        }
        ensure!(symbols.iter().all(|s| s.section != usize::from(elf::SHN_XINDEX)), "too many sections");
        Ok(Self { machine: header.e_machine(LE), flags: header.e_flags(LE), sections, symbols })
    }

    /// The position of the section with this name.
    pub fn section(&self, name: &str) -> Option<usize> {
        self.sections.iter().position(|s| s.name == name.as_bytes())
    }

    /// Writes the object. Sections of no kind are left out; local symbols come first, as the format demands.
    pub fn write(&self) -> Result<Vec<u8>> {
        let mut out = Vec::new();
        let mut w = Writer::new(Endianness::Little, true, &mut out);

        w.reserve_null_section_index();
        let mut names = Vec::new();
        let rela_names: Vec<_> = self.sections.iter().map(|s| [b".rela", s.name.as_slice()].concat()).collect();
        let mut index = vec![None; self.sections.len()];
        let live: Vec<usize> = (1..self.sections.len()).filter(|&i| self.sections[i].kind != elf::SHT_NULL).collect();
        for &i in &live {
            let name = w.add_section_name(&self.sections[i].name);
            index[i] = Some(w.reserve_section_index());
            let rela = (!self.sections[i].relocs.is_empty()).then(|| {
                let name = w.add_section_name(&rela_names[i]);
                w.reserve_section_index();
                name
            });
            names.push((name, rela));
        }
        w.reserve_symtab_section_index();
        w.reserve_strtab_section_index();
        w.reserve_shstrtab_section_index();

        w.reserve_null_symbol_index();
        let mut symbol_index = vec![0; self.symbols.len()];
        let mut order: Vec<usize> = (1..self.symbols.len()).collect();
        order.sort_by_key(|&i| self.symbols[i].bind != elf::STB_LOCAL);
        let locals = order.iter().filter(|&&i| self.symbols[i].bind == elf::STB_LOCAL).count();
        let mut strings = vec![None; self.symbols.len()];
        for &i in &order {
            if !self.symbols[i].name.is_empty() {
                strings[i] = Some(w.add_string(&self.symbols[i].name));
            }
            let SymbolIndex(n) = w.reserve_symbol_index(None);
            symbol_index[i] = n;
        }

        w.reserve_file_header();
        let mut places = Vec::new();
        for &i in &live {
            let s = &self.sections[i];
            places.push(w.reserve(s.data.len(), s.align.max(1) as usize));
        }
        let mut rela_places = Vec::new();
        for &i in &live {
            let count = self.sections[i].relocs.len();
            rela_places.push(if count == 0 { 0 } else { w.reserve_relocations(count, true) });
        }
        w.reserve_symtab();
        w.reserve_strtab();
        w.reserve_shstrtab();
        w.reserve_section_headers();

        w.write_file_header(&FileHeader {
            os_abi: elf::ELFOSABI_NONE,
            abi_version: 0,
            e_type: elf::ET_REL,
            e_machine: self.machine,
            e_entry: 0,
            e_flags: self.flags,
        })?;
        for &i in &live {
            let s = &self.sections[i];
            w.write_align(s.align.max(1) as usize);
            w.write(&s.data);
        }
        for &i in &live {
            if !self.sections[i].relocs.is_empty() {
                w.write_align_relocation();
            }
            for r in &self.sections[i].relocs {
                w.write_relocation(
                    true,
                    &Rel { r_offset: r.offset, r_sym: symbol_index[r.symbol], r_type: r.kind, r_addend: r.addend },
                );
            }
        }
        w.write_null_symbol();
        for &i in &order {
            let s = &self.symbols[i];
            let section = if s.is_defined() { index[s.section] } else { None };
            w.write_symbol(&WriteSym {
                name: strings[i],
                section,
                st_info: (s.bind << 4) | s.kind,
                st_other: s.other,
                st_shndx: if section.is_some() { 0 } else { s.section as u16 },
                st_value: s.value,
                st_size: s.size,
            });
        }
        w.write_strtab();
        w.write_shstrtab();

        w.write_null_section_header();
        let SectionIndex(symtab) = w.symtab_index();
        for (n, &i) in live.iter().enumerate() {
            let s = &self.sections[i];
            let (name, rela) = names[n];
            w.write_section_header(&SectionHeader {
                name: Some(name),
                sh_type: s.kind,
                sh_flags: s.flags,
                sh_addr: 0,
                sh_offset: places[n] as u64,
                sh_size: s.size,
                sh_link: 0,
                sh_info: 0,
                sh_addralign: s.align,
                sh_entsize: s.entsize,
            });
            if rela.is_some() {
                w.write_section_header(&SectionHeader {
                    name: rela,
                    sh_type: elf::SHT_RELA,
                    sh_flags: elf::SHF_INFO_LINK.into(),
                    sh_addr: 0,
                    sh_offset: rela_places[n] as u64,
                    sh_size: (s.relocs.len() * 24) as u64,
                    sh_link: symtab,
                    sh_info: index[i].map_or(0, |SectionIndex(i)| i),
                    sh_addralign: 8,
                    sh_entsize: 24,
                });
            }
        }
        w.write_symtab_section_header(1 + locals as u32);
        w.write_strtab_section_header();
        w.write_shstrtab_section_header();
        Ok(out)
    }
}
