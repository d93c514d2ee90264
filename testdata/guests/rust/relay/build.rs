//! Makes the guest a reactor, for which cargo has no word: its `_initialize` is called once, before its exports.

use std::env;
use std::process::Command;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let rustc = env::var_os("RUSTC").expect("cargo sets it");
    let target = env::var("TARGET").expect("cargo sets it");
    let output = Command::new(rustc).args(["--print", "target-libdir", "--target", &target]).output();
    let folder = String::from_utf8(output.expect("rustc runs").stdout).expect("a folder's name is text");
    println!("cargo::rustc-link-arg-cdylib={}/self-contained/crt1-reactor.o", folder.trim());
    println!("cargo::rustc-link-arg-cdylib=--export=_initialize");
}
