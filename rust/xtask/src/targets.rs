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
    /// zig's name for it, to which a version of the system can be appended.
    pub zig: &'static str,
    /// What comes before `gcc` in the name of the compiler that is preferred to zig.
    pub tools: Option<&'static str>,
    /// What programs with the archive run on.
    pub system: System,
    /// How it is shown on the machine that builds it that programs with the archive work, for README.md.
    pub proof: &'static str,
    /// Why there is no archive of it in the repository, if that is so. It is built when it is asked for by name.
    pub withheld: Option<&'static str>,
}

/// The system below the programs of a platform, with the lowest version that the archive is built for.
#[derive(Clone, Copy, PartialEq)]
pub enum System {
    /// Linux with the GNU C library 2.x.
    Glibc(u32),
    /// Linux with musl, which has had what we use for ages.
    Musl,
    /// Windows. Rust's standard library asks for 10.
    Windows,
    /// macOS, as the linker writes its version.
    MacOs(&'static str),
}

/// The import libraries of the DLLs that the archive for Windows uses.
const WINDOWS_LIBS: &[&str] = &["-lkernel32", "-lntdll", "-luserenv", "-lws2_32", "-lole32", "-lshell32", "-lgcc_eh"];

/// All platforms, in the order in which they are built.
pub const TARGETS: &[Target] = &[
    Target {
        dir: "linux-x86_64",
        triple: "x86_64-unknown-linux-gnu",
        go: ("linux", "amd64"),
        zig: "x86_64-linux-gnu",
        tools: Some(""),
        system: System::Glibc(17),
        proof: "all tests",
        withheld: None,
    },
    Target {
        dir: "linux-aarch64",
        triple: "aarch64-unknown-linux-gnu",
        go: ("linux", "arm64"),
        zig: "aarch64-linux-gnu",
        tools: None,
        system: System::Glibc(17),
        proof: "tests with `-short` under qemu, but for some that reserve too much",
        withheld: None,
    },
    Target {
        dir: "linux-x86_64-musl",
        triple: "x86_64-unknown-linux-musl",
        go: ("linux", "amd64"),
        zig: "x86_64-linux-musl",
        tools: None,
        system: System::Musl,
        proof: "all tests, fully static",
        withheld: None,
    },
    Target {
        dir: "linux-aarch64-musl",
        triple: "aarch64-unknown-linux-musl",
        go: ("linux", "arm64"),
        zig: "aarch64-linux-musl",
        tools: None,
        system: System::Musl,
        proof: "tests of memory, stacks, files and WASI, fully static, under qemu",
        withheld: None,
    },
    Target {
        dir: "linux-riscv64",
        triple: "riscv64gc-unknown-linux-gnu",
        go: ("linux", "riscv64"),
        zig: "riscv64-linux-gnu",
        tools: None,
        system: System::Glibc(27),
        proof: "tests of memory, stacks, files and WASI, under qemu",
        withheld: Some(
            "where the processor lacks vectors, Wasmtime 48 panics as it compiles a memory.copy of 16 to 128 bytes",
        ),
    },
    Target {
        dir: "windows-x86_64",
        triple: "x86_64-pc-windows-gnu",
        go: ("windows", "amd64"),
        zig: "x86_64-windows-gnu",
        tools: Some("x86_64-w64-mingw32-"),
        system: System::Windows,
        proof: "all tests that Wine can run",
        withheld: None,
    },
    Target {
        dir: "macos-aarch64",
        triple: "aarch64-apple-darwin",
        go: ("darwin", "arm64"),
        zig: "aarch64-macos",
        tools: None,
        system: System::MacOs("12.0"),
        proof: "linked; not run here",
        withheld: None,
    },
    Target {
        dir: "macos-x86_64",
        triple: "x86_64-apple-darwin",
        go: ("darwin", "amd64"),
        zig: "x86_64-macos",
        tools: None,
        system: System::MacOs("12.0"),
        proof: "linked; not run here",
        withheld: None,
    },
    Target {
        dir: "windows-aarch64",
        triple: "aarch64-pc-windows-gnullvm",
        go: ("windows", "arm64"),
        zig: "aarch64-windows-gnu",
        tools: None,
        system: System::Windows,
        proof: "linked; not run here",
        withheld: None,
    },
];

impl Target {
    /// Finds a platform by its folder or its triple; the host's without a name.
    pub fn find(name: Option<&str>) -> Result<&'static Self> {
        let host = crate::toolchain::host()?;
        let name = name.unwrap_or(&host);
        TARGETS
            .iter()
            .find(|t| t.dir == name || t.triple == name)
            .with_context(|| format!("{name} is not in rust/xtask/src/targets.rs"))
    }

    /// zig's name with the lowest version of the system.
    pub fn zig_name(&self) -> String {
        match self.system {
            System::Glibc(minor) => format!("{}.2.{minor}", self.zig),
            System::MacOs(version) => format!("{}.{version}", self.zig),
            System::Musl | System::Windows => self.zig.into(),
        }
    }

    /// How cargo and the `cc` crate spell the platform in the names of environment variables.
    pub fn variable(&self, name: &str) -> String {
        format!("{name}_{}", self.triple.replace('-', "_"))
    }

    /// Whether its objects are ELF, of which linkers make one of many.
    pub fn is_elf(&self) -> bool {
        matches!(self.system, System::Glibc(_) | System::Musl)
    }

    /// The platform with the same names in Go and the other C library, if there is one.
    pub fn twin(&self) -> Option<&'static Self> {
        TARGETS.iter().find(|other| other.go == self.go && other.dir != self.dir)
    }

    /// The build tag of Go that chooses the archive, where operating system and architecture do not.
    pub fn tag(&self) -> Option<&'static str> {
        (self.system == System::Musl).then_some("musl")
    }

    /// The libraries that a program must be linked with beside the archive, from those that rustc names.
    ///
    /// For Windows rustc names import libraries of its own crates, which nobody else has, and not always that of the
    /// system which has the same function. So the system's are named here; a program that refers to everything is
    /// linked with them whenever the floor is determined.
    ///
    /// The unwinder is the one exception to rustc's list. `-lgcc_s` exists as a shared library only, and zig knows
    /// none by default. `-lgcc_eh` suits gcc with and without `-static`, and zig, which reads it as its own
    /// libunwind. The C library itself is every linker's own business, and on macOS, where it is one with the
    /// system's library, nothing else is needed: `floor/` links against it alone.
    pub fn native_libs(&self, from_rustc: &[String]) -> Vec<String> {
        if self.system == System::Windows {
            return WINDOWS_LIBS.iter().map(|&lib| lib.to_owned()).collect();
        }
        if matches!(self.system, System::MacOs(_)) {
            return Vec::new();
        }
        let mut libs = Vec::new();
        for lib in from_rustc.iter().filter(|lib| *lib != "-lc") {
            let lib = if lib == "-lgcc_s" || lib == "-lunwind" { "-lgcc_eh" } else { lib };
            if !libs.iter().any(|known| known == lib) {
                libs.push(lib.to_owned());
            }
        }
        libs
    }
}
