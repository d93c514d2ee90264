//! A guest with a function for each of WASI's, which the tests call directly.

use std::fmt::Write as _;
use std::os::fd::AsRawFd;
use wasmtime::{Instance, Linker, Memory, Module, StoreContextMut, Val};
use wasmtime_c_api::{
    WasmtimeStoreData, wasi_config_new, wasm_engine_new, wasmtime_context_set_wasi, wasmtime_error_t,
    wasmtime_linker_t, wasmtime_store_context, wasmtime_store_new, wasmtime_store_t,
};
use wasmtime_ext::*;
pub use wasmtime_wasi::p1::types::Errno;

/// Each function with its parameters: `i` is an `i32`, `I` an `i64`.
const FUNCTIONS: &[(&str, &str)] = &[
    ("args_get", "ii"),
    ("args_sizes_get", "ii"),
    ("environ_get", "ii"),
    ("environ_sizes_get", "ii"),
    ("clock_res_get", "ii"),
    ("clock_time_get", "iIi"),
    ("fd_advise", "iIIi"),
    ("fd_allocate", "iII"),
    ("fd_close", "i"),
    ("fd_datasync", "i"),
    ("fd_fdstat_get", "ii"),
    ("fd_fdstat_set_flags", "ii"),
    ("fd_fdstat_set_rights", "iII"),
    ("fd_filestat_get", "ii"),
    ("fd_filestat_set_size", "iI"),
    ("fd_filestat_set_times", "iIIi"),
    ("fd_pread", "iiiIi"),
    ("fd_prestat_get", "ii"),
    ("fd_prestat_dir_name", "iii"),
    ("fd_pwrite", "iiiIi"),
    ("fd_read", "iiii"),
    ("fd_readdir", "iiiIi"),
    ("fd_renumber", "ii"),
    ("fd_seek", "iIii"),
    ("fd_sync", "i"),
    ("fd_tell", "ii"),
    ("fd_write", "iiii"),
    ("path_create_directory", "iii"),
    ("path_filestat_get", "iiiii"),
    ("path_filestat_set_times", "iiiiIIi"),
    ("path_link", "iiiiiii"),
    ("path_open", "iiiiiIIii"),
    ("path_readlink", "iiiiii"),
    ("path_remove_directory", "iii"),
    ("path_rename", "iiiiii"),
    ("path_symlink", "iiiii"),
    ("path_unlink_file", "iii"),
    ("poll_oneoff", "iiii"),
    ("proc_raise", "i"),
    ("random_get", "ii"),
    ("sched_yield", ""),
    ("sock_accept", "iii"),
    ("sock_recv", "iiiiii"),
    ("sock_send", "iiiii"),
    ("sock_shutdown", "ii"),
];

/// A module that exports a memory and, under WASI's names, functions that pass their arguments on.
pub fn wat(memory: &str) -> String {
    let mut imports = String::new();
    let mut functions = String::new();
    for (name, parameters) in FUNCTIONS {
        let mut params = String::new();
        let mut gets = String::new();
        for (i, parameter) in parameters.chars().enumerate() {
            params.push_str(if parameter == 'i' { " i32" } else { " i64" });
            write!(gets, " local.get {i}").unwrap();
        }
        let params = if params.is_empty() { params } else { format!("(param{params})") };
        writeln!(imports, r#"(import "wasi_snapshot_preview1" "{name}" (func ${name} {params} (result i32)))"#)
            .unwrap();
        writeln!(functions, r#"(func (export "{name}") {params} (result i32) {gets} call ${name})"#).unwrap();
    }
    format!(
        r#"(module {imports}
        (import "wasi_snapshot_preview1" "proc_exit" (func $proc_exit (param i32)))
        {memory}
        (func (export "proc_exit") (param i32) local.get 0 call $proc_exit)
        (func (export "write_nothing") (param $fd i32) (param $times i32)
            (loop $again
                (drop (call $fd_write (local.get $fd) (i32.const 0) (i32.const 0) (i32.const 8)))
                (br_if $again (local.tee $times (i32.sub (local.get $times) (i32.const 1))))))
        (func (export "read_all") (param $fd i32) (result i64) (local $sum i64)
            (i32.store (i32.const 0) (i32.const 65536))
            (i32.store (i32.const 4) (i32.const 65536))
            (loop $again
                (if (call $fd_read (local.get $fd) (i32.const 0) (i32.const 1) (i32.const 8)) (then unreachable))
                (local.set $sum (i64.add (local.get $sum) (i64.load32_u (i32.const 8))))
                (br_if $again (i32.load (i32.const 8))))
            (local.get $sum))
        {functions})"#
    )
}

pub const MEMORY: &str = r#"(memory (export "memory") 4)"#;

/// Where the tests put their iovecs, their results and their buffers in the guest's memory.
pub const IOVS: i32 = 16;
pub const RESULT: i32 = 1024;
pub const BUFFER: i32 = 4096;

pub struct Guest {
    pub instance: Instance,
    pub memory: Option<Memory>,
    pub store: Box<wasmtime_store_t>,
}

/// A store of its own engine.
fn store() -> Box<wasmtime_store_t> {
    wasmtime_store_new(&wasm_engine_new(), std::ptr::null_mut(), None)
}

impl Guest {
    /// A guest whose store has the given options.
    pub fn with(options: &wasmtime_wasi_options_t) -> Guest {
        Guest::in_store(MEMORY, |context| {
            // SAFETY: the options are of this process.
            ok(unsafe { wasmtime_context_set_wasi_options(context, options) });
        })
    }

    /// A guest without arguments, directories or streams.
    pub fn new() -> Guest {
        Guest::with(&no_options())
    }

    /// A guest whose store was configured by the C API's own function.
    pub fn official() -> Guest {
        Guest::in_store(MEMORY, |context| ok(wasmtime_context_set_wasi(context, wasi_config_new())))
    }

    pub fn in_store(memory: &str, configure: impl FnOnce(StoreContextMut<'_, WasmtimeStoreData>)) -> Guest {
        let mut store = store();
        let mut context = wasmtime_store_context(&mut store);
        let engine = context.engine().clone();
        let mut linker = Linker::new(&engine);
        // SAFETY: the C type is a struct of this one field.
        ok(unsafe {
            wasmtime_linker_define_wasi_p1(&mut *std::ptr::from_mut(&mut linker).cast::<wasmtime_linker_t>())
        });
        let module = Module::new(&engine, wat(memory)).unwrap();
        let instance = linker.instantiate(&mut context, &module).unwrap();
        let memory = instance.get_memory(&mut context, "memory");
        configure(context);
        Guest { instance, memory, store }
    }

    pub fn context(&mut self) -> StoreContextMut<'_, WasmtimeStoreData> {
        wasmtime_store_context(&mut self.store)
    }

    /// Calls a WASI function.
    pub fn try_call(&mut self, name: &str, args: &[Val]) -> wasmtime::Result<Errno> {
        let instance = self.instance;
        let mut context = self.context();
        let function = instance.get_func(&mut context, name).unwrap();
        let mut results = [Val::I32(-1)];
        function.call(&mut context, args, &mut results)?;
        Ok(Errno::try_from(results[0].unwrap_i32()).unwrap())
    }

    /// Calls a WASI function that does not trap.
    pub fn call(&mut self, name: &str, args: &[Val]) -> Errno {
        self.try_call(name, args).unwrap()
    }

    pub fn insert(&mut self, fd: u32, file: &impl AsRawFd, mode: u32) {
        // SAFETY: the file is open.
        ok(unsafe { wasmtime_context_insert_file(self.context(), fd, host_fd(file), mode) });
    }

    pub fn push(&mut self, file: &impl AsRawFd, mode: u32) -> u32 {
        let mut fd = u32::MAX;
        // SAFETY: the file is open and the number can be written.
        ok(unsafe { wasmtime_context_push_file(self.context(), host_fd(file), mode, &mut fd) });
        fd
    }

    pub fn bytes(&mut self, at: i32, len: usize) -> Vec<u8> {
        let memory = self.memory.unwrap();
        memory.data(self.context())[at as usize..][..len].to_vec()
    }

    pub fn put(&mut self, at: i32, bytes: &[u8]) {
        let memory = self.memory.unwrap();
        memory.write(self.context(), at as usize, bytes).unwrap();
    }

    pub fn u16(&mut self, at: i32) -> u16 {
        u16::from_le_bytes(self.bytes(at, 2).try_into().unwrap())
    }

    pub fn u32(&mut self, at: i32) -> u32 {
        u32::from_le_bytes(self.bytes(at, 4).try_into().unwrap())
    }

    pub fn u64(&mut self, at: i32) -> u64 {
        u64::from_le_bytes(self.bytes(at, 8).try_into().unwrap())
    }

    /// Writes one iovec for each length; the buffers follow each other from `BUFFER` on.
    pub fn iovs(&mut self, lengths: &[u32]) {
        let mut at = BUFFER as u32;
        for (i, len) in lengths.iter().enumerate() {
            let mut iov = at.to_le_bytes().to_vec();
            iov.extend_from_slice(&len.to_le_bytes());
            self.put(IOVS + 8 * i as i32, &iov);
            at += len;
        }
    }

    /// Reads up to `len` bytes into two buffers.
    pub fn read(&mut self, fd: i32, len: u32) -> Result<Vec<u8>, Errno> {
        self.iovs(&[len / 2, len - len / 2]);
        match self.call("fd_read", &[fd.into(), IOVS.into(), 2.into(), RESULT.into()]) {
            Errno::Success => {
                let n = self.u32(RESULT) as usize;
                Ok(self.bytes(BUFFER, n))
            }
            errno => Err(errno),
        }
    }

    /// Writes from two buffers.
    pub fn write(&mut self, fd: i32, bytes: &[u8]) -> Result<u32, Errno> {
        let len = bytes.len() as u32;
        self.put(BUFFER, bytes);
        self.iovs(&[len / 3, len - len / 3]);
        match self.call("fd_write", &[fd.into(), IOVS.into(), 2.into(), RESULT.into()]) {
            Errno::Success => Ok(self.u32(RESULT)),
            errno => Err(errno),
        }
    }

    pub fn seek(&mut self, fd: i32, offset: i64, whence: i32) -> Result<u64, Errno> {
        match self.call("fd_seek", &[fd.into(), offset.into(), whence.into(), RESULT.into()]) {
            Errno::Success => Ok(self.u64(RESULT)),
            errno => Err(errno),
        }
    }

    pub fn close(&mut self, fd: i32) -> Errno {
        self.call("fd_close", &[fd.into()])
    }

    /// File type, flags and rights.
    pub fn fdstat(&mut self, fd: i32) -> (u8, u16, u64) {
        assert_eq!(self.call("fd_fdstat_get", &[fd.into(), RESULT.into()]), Errno::Success);
        (self.bytes(RESULT, 1)[0], self.u16(RESULT + 2), self.u64(RESULT + 8))
    }

    /// Opens a path below a directory for reading and writing.
    pub fn open(&mut self, directory: i32, path: &str, oflags: i32) -> Result<u32, Errno> {
        self.put(BUFFER, path.as_bytes());
        let rights = (1_i64 << 1) | (1 << 6);
        let errno = self.call(
            "path_open",
            &[
                directory.into(),
                0.into(),
                BUFFER.into(),
                (path.len() as i32).into(),
                oflags.into(),
                rights.into(),
                rights.into(),
                0.into(),
                RESULT.into(),
            ],
        );
        if errno == Errno::Success { Ok(self.u32(RESULT)) } else { Err(errno) }
    }
}

/// Asserts that a C function succeeded.
pub fn ok(error: Option<Box<wasmtime_error_t>>) {
    if let Some(error) = error {
        panic!("{:?}", wasmtime::Error::from(*error));
    }
}

/// The code and the message of a C function that failed.
pub fn failure(error: Option<Box<wasmtime_error_t>>) -> (wasmtime_error_code_t, String) {
    let error = error.expect("an error");
    // SAFETY: the error is live.
    let code = unsafe { wasmtime_error_code(&error) };
    (code, format!("{:?}", wasmtime::Error::from(*error)))
}

pub fn host_fd(file: &impl AsRawFd) -> *mut std::ffi::c_void {
    file.as_raw_fd() as usize as *mut _
}

pub fn string(text: &str) -> wasmtime_wasi_string_t {
    wasmtime_wasi_string_t { data: text.as_ptr(), len: text.len() }
}

pub fn no_options() -> wasmtime_wasi_options_t {
    let none = wasmtime_wasi_stdio_t { kind: WASMTIME_WASI_STDIO_NONE, host_fd: std::ptr::null_mut() };
    wasmtime_wasi_options_t {
        args: std::ptr::null(),
        args_len: 0,
        env: std::ptr::null(),
        env_len: 0,
        preopens: std::ptr::null(),
        preopens_len: 0,
        stdin_stream: none,
        stdout_stream: none,
        stderr_stream: none,
        inherit_args: false,
        inherit_env: false,
        system: std::ptr::null(),
    }
}

/// How many descriptors of this process lead to `path`.
pub fn host_descriptors(path: &std::path::Path) -> usize {
    let path = path.canonicalize().unwrap();
    let all = std::fs::read_dir("/proc/self/fd").unwrap();
    all.filter(|entry| {
        let link = std::fs::read_link(entry.as_ref().unwrap().path());
        link.is_ok_and(|link| link == path)
    })
    .count()
}
