//! From what cargo builds to what is committed: one object that shows the C API and nothing else.

use crate::archive;
use crate::cargo::run;
use crate::compact::compact;
use crate::elf::Object;
use crate::separate;
use crate::symbols;
use crate::targets::Target;
use crate::tools::Tools;
use anyhow::{Result, ensure};
use std::fs;
use std::path::Path;
use std::process::Command;

/// Merges what the compiler put into 150,000 sections. Bitcode, compiler names and what an object says about itself to
/// a linker are dropped.
const MERGE: &str = include_str!("merge.lds");

/// Turns cargo's static library `raw` into the archive `out`. `work` is a folder for what lies between.
pub fn process(target: &Target, raw: &Path, work: &Path, out: &Path) -> Result<()> {
    fs::create_dir_all(work)?;
    let keep = symbols::api(&fs::read(raw)?)?;
    ensure!(!keep.is_empty(), "{} shows no C API", raw.display());

    let Some(ld) = Tools::of(target)?.ld else {
        return archive::write(target, separate::process(&fs::read(raw)?, &keep)?, out);
    };
    let script = work.join("merge.lds");
    fs::write(&script, MERGE)?;
    let roots = work.join("roots");
    fs::write(&roots, keep.iter().map(|name| format!("-u {name}\n")).collect::<String>())?;
    let roots = format!("@{}", roots.display());
    let whole = work.join("whole.o");
    let input = if target.triple.starts_with("riscv64") {
        // It mends what GNU ld does to the unwinding information of RISC-V if that is in one section: see `compact`.
        run(Command::new(&ld).args(["-r", &roots]).arg(raw).arg("-o").arg(&whole))?;
        &whole
    } else {
        raw
    };
    let merged = work.join("merged.o");
    run(Command::new(ld)
        .args(["-r", "--gc-sections", "--force-group-allocation", "--build-id=none", "-T"])
        .arg(script)
        .arg(roots)
        .arg(input)
        .arg("-o")
        .arg(&merged))?;

    let mut object = Object::parse(&fs::read(&merged)?)?;
    compact(&mut object, &keep)?;
    archive::write(target, vec![("wasmtime.o".into(), object.write()?)], out)
}
