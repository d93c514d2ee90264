//! `wasi:cli`: arguments, environment, standard streams, the end.

use super::enter::Wasi;
use super::fault::or_trap;
use super::streams::{Input, Output, Source};
use crate::wasi::descriptors::Entry;
use wasmtime::Result;
use wasmtime::component::Resource;
use wasmtime_wasi::cli::WasiCliCtxView;
use wasmtime_wasi::p2::bindings::cli::environment::Host as _;
use wasmtime_wasi::p2::bindings::cli::{terminal_input::TerminalInput, terminal_output::TerminalOutput};
use wasmtime_wasi::p2::{DynInputStream, DynOutputStream};
use wasmtime_wasi::{I32Exit, ResourceTable, WasiView as _};

/// A terminal, of which a component only learns that it is one.
struct Terminal;

impl Wasi<'_> {
    pub(super) fn get_environment(&mut self) -> Result<Vec<(String, String)>> {
        let Some(strings) = &self.state.strings else {
            return self.upstream_cli(|cli| cli.get_environment());
        };
        let variable = |text: String| match text[1.min(text.len())..].find('=') {
            // On Windows there are names that begin with the sign.
            Some(at) => (text[..at + 1].to_owned(), text[at + 2..].to_owned()),
            None => (text, String::new()),
        };
        Ok(strings.env.texts().map(variable).collect())
    }

    pub(super) fn get_arguments(&mut self) -> Result<Vec<String>> {
        match &self.state.strings {
            Some(strings) => Ok(strings.args.texts().collect()),
            None => self.upstream_cli(|cli| cli.get_arguments()),
        }
    }

    pub(super) fn initial_cwd(&mut self) -> Result<Option<String>> {
        // The context that the store has, and not one that is made for this.
        if !self.state.has_context() {
            return Ok(None);
        }
        self.upstream_cli(|cli| cli.initial_cwd())
    }

    /// Asks upstream's context, where the C API's own configuration put these.
    fn upstream_cli<T>(&mut self, ask: impl FnOnce(&mut WasiCliCtxView<'_>) -> Result<T>) -> Result<T> {
        let ctx = match self.state.strings {
            Some(_) => self.state.ctx()?,
            None => self.state.inner()?.ctx().ctx,
        };
        let table = &mut ResourceTable::new(); // which the functions that are asked do not use
        ask(&mut WasiCliCtxView { ctx: ctx.cli(), table })
    }

    pub(super) fn exit(&mut self, status: std::result::Result<(), ()>) -> Result<()> {
        Err(I32Exit(status.is_err().into()).into())
    }

    pub(super) fn exit_with_code(&mut self, code: u8) -> Result<()> {
        Err(I32Exit(code.into()).into())
    }

    pub(super) fn get_stdin(&mut self) -> Result<Resource<DynInputStream>> {
        or_trap(self.push(Input::new(Source::Standard(0), 0))).map(Resource::new_own)
    }

    pub(super) fn get_stdout(&mut self) -> Result<Resource<DynOutputStream>> {
        or_trap(self.push(Output::new(Source::Standard(1), None))).map(Resource::new_own)
    }

    pub(super) fn get_stderr(&mut self) -> Result<Resource<DynOutputStream>> {
        or_trap(self.push(Output::new(Source::Standard(2), None))).map(Resource::new_own)
    }

    pub(super) fn get_terminal_stdin(&mut self) -> Result<Option<Resource<TerminalInput>>> {
        self.terminal(0).map(|number| number.map(Resource::new_own))
    }

    pub(super) fn get_terminal_stdout(&mut self) -> Result<Option<Resource<TerminalOutput>>> {
        self.terminal(1).map(|number| number.map(Resource::new_own))
    }

    pub(super) fn get_terminal_stderr(&mut self) -> Result<Option<Resource<TerminalOutput>>> {
        self.terminal(2).map(|number| number.map(Resource::new_own))
    }

    fn terminal(&mut self, fd: i32) -> Result<Option<u32>> {
        match self.state.descriptors.get(fd) {
            Ok(Entry::Host(file)) if file.is_terminal() => or_trap(self.push(Terminal)).map(Some),
            _ => Ok(None),
        }
    }

    pub(super) fn drop_terminal_input(&mut self, number: u32) -> Result<()> {
        self.take::<Terminal>(number).map(drop)
    }

    pub(super) fn drop_terminal_output(&mut self, number: u32) -> Result<()> {
        self.take::<Terminal>(number).map(drop)
    }
}
