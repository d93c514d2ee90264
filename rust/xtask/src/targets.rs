//! The platforms, one entry each. A new platform is a new entry here.

use anyhow::{Context, Result};

/// A platform that the library is built for.
pub struct Target {
    /// Its folder below `build/`.
    pub dir: &'static str,
    /// rustc's name for it.
    pub triple: &'static str,
    /// `GOOS` and `GOARCH`.
    pub go: (&'static str, &'static str),
    /// What comes before `ld` and `ar` in the names of the tools, as in `aarch64-linux-gnu-`.
    pub tools: &'static str,
    /// The C library, which decides what is recorded as the lowest version.
    pub libc: Libc,
}

/// The C library of a platform.
pub enum Libc {
    /// The GNU C library; the name is zig's for the platform, to which a version can be appended.
    Glibc {
        /// For example `x86_64-linux-gnu`.
        zig: &'static str,
    },
}

/// All platforms.
pub const TARGETS: &[Target] = &[Target {
    dir: "linux-x86_64",
    triple: "x86_64-unknown-linux-gnu",
    go: ("linux", "amd64"),
    tools: "",
    libc: Libc::Glibc { zig: "x86_64-linux-gnu" },
}];

impl Target {
    /// Finds a platform by its folder or its triple; the host's without a name.
    pub fn find(name: Option<&str>) -> Result<&'static Self> {
        let host = crate::cargo::rustc()?.host;
        let name = name.unwrap_or(&host);
        TARGETS
            .iter()
            .find(|t| t.dir == name || t.triple == name)
            .with_context(|| format!("{name} is not in rust/xtask/src/targets.rs"))
    }

    /// The libraries that a program must be linked with beside the archive, from those that rustc names.
    ///
    /// The unwinder is the one exception to rustc's list. `-lgcc_s` exists as a shared library only, and zig knows none
    /// by default. `-lgcc_eh` suits gcc with and without `-static`, and zig, which reads it as its own libunwind.
    /// The C library itself is every linker's own business.
    pub fn native_libs(&self, from_rustc: &[String]) -> Vec<String> {
        from_rustc
            .iter()
            .filter(|lib| *lib != "-lc")
            .map(|lib| if lib == "-lgcc_s" { "-lgcc_eh".into() } else { lib.clone() })
            .collect()
    }
}
