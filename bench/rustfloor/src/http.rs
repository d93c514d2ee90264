//! HTTP: upstream's own implementation, an instance a request, and hyper as the server.

use crate::bench::{Bench, Timer};
use crate::calls::{HELLO_OUTPUT, pooling};
use http_body_util::{BodyExt, Empty, Full};
use hyper::body::{Body, Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use std::convert::Infallible;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::{Builder, Runtime};
use wasmtime::component::{Component, Linker, ResourceTable};
use wasmtime::{Engine, Result, Store, ensure, format_err};
use wasmtime_wasi::{WasiCtx, WasiCtxBuilder, WasiCtxView, WasiView};
use wasmtime_wasi_http::io::TokioIo;
use wasmtime_wasi_http::p2::bindings::ProxyPre;
use wasmtime_wasi_http::p2::bindings::http::types::Scheme;
use wasmtime_wasi_http::{Error, RequestOptions, WasiBody, WasiHttpCtx, WasiHttpCtxView, WasiHttpHooks, WasiHttpView};

pub const ALL: &[Bench] = &[("HTTPHello", hello), ("HTTPServe", serve), ("HTTPFetch", fetch)];

const HELLO: &[u8] = include_bytes!("../../internal/work/httphello.wasm");
const PATHS: &[u8] = include_bytes!("../../../testdata/guests/components/http.wasm");

/// What a store has.
struct State {
    ctx: WasiCtx,
    http: WasiHttpCtx,
    hooks: Hooks,
    table: ResourceTable,
}

impl WasiView for State {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView { ctx: &mut self.ctx, table: &mut self.table }
    }
}

impl WasiHttpView for State {
    fn http(&mut self) -> WasiHttpCtxView<'_> {
        WasiHttpCtxView { ctx: &mut self.http, hooks: &mut self.hooks, table: &mut self.table }
    }
}

/// Sends the requests of guests, over a new connection each: what upstream does without a hook, but for TLS.
struct Hooks;

type Sent = Result<(Response<WasiBody>, Box<dyn Future<Output = Result<(), Error>> + Send>), Error>;

impl WasiHttpHooks for Hooks {
    fn send_request(
        &mut self,
        mut request: Request<WasiBody>,
        _: Option<RequestOptions>,
        _: Box<dyn Future<Output = Result<(), Error>> + Send>,
    ) -> Box<dyn Future<Output = Sent> + Send> {
        Box::new(async move {
            let authority = request.uri().authority().ok_or(Error::HttpRequestUriInvalid)?.to_string();
            let stream = TcpStream::connect(authority).await.map_err(Error::Connect)?;
            let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
            *request.uri_mut() = request.uri().path_and_query().map_or("/", |path| path.as_str()).parse().unwrap();
            let connection = tokio::spawn(connection);
            let response = sender.send_request(request).await?;
            let io: Box<dyn Future<Output = Result<(), Error>> + Send> =
                Box::new(async move { Ok(connection.await.expect("the connection's task")?) });
            Ok((response.map(|body| body.map_err(Error::from).boxed_unsync()), io))
        })
    }
}

/// A component that answers requests.
#[derive(Clone)]
struct Server {
    pre: ProxyPre<State>,
}

impl Server {
    /// Without support for concurrency, as in the Go module; in a pool.
    fn new(component: &[u8]) -> Result<Server> {
        let engine = Engine::new(pooling().concurrency_support(false))?;
        let mut linker = Linker::<State>::new(&engine);
        wasmtime_wasi::p2::add_to_linker_async(&mut linker)?;
        wasmtime_wasi_http::p2::add_only_http_to_linker_async(&mut linker)?;
        let pre = ProxyPre::new(linker.instantiate_pre(&Component::new(&engine, component)?)?)?;
        Ok(Server { pre })
    }

    /// Answers a request by an instance of its own, which goes on when the head of the response is out.
    async fn answer<B>(&self, request: Request<B>) -> Result<Response<WasiBody>>
    where
        B: Body<Data = Bytes> + Send + 'static,
        B::Error: Into<Error>,
    {
        let ctx = WasiCtxBuilder::new().inherit_stderr().build();
        let state = State { ctx, http: WasiHttpCtx::new(), hooks: Hooks, table: ResourceTable::new() };
        let mut store = Store::new(self.pre.engine(), state);
        let (sender, receiver) = tokio::sync::oneshot::channel();
        let request = store.data_mut().http().new_incoming_request(Scheme::Http, request)?;
        let out = store.data_mut().http().new_response_outparam(sender)?;
        let pre = self.pre.clone();
        let guest = tokio::spawn(async move {
            let proxy = pre.instantiate_async(&mut store).await?;
            proxy.wasi_http_incoming_handler().call_handle(&mut store, request, out).await
        });
        match receiver.await {
            Ok(response) => Ok(response?),
            Err(_) => Err(guest.await?.err().unwrap_or_else(|| format_err!("the guest never answered"))),
        }
    }

    /// Serves the connections of a listener, each in a task of its own, without end.
    async fn listen(self, listener: TcpListener) -> Result<()> {
        loop {
            let (connection, _) = listener.accept().await?;
            connection.set_nodelay(true)?;
            let server = self.clone();
            tokio::spawn(async move {
                let answer = service_fn(|request: Request<Incoming>| {
                    let server = &server;
                    async move {
                        Ok::<_, Infallible>(server.answer(request).await.unwrap_or_else(|error| {
                            let body = Full::<Bytes>::from(format!("{error:#}\n")).map_err(|never| match never {});
                            Response::builder().status(502).body(body.boxed_unsync()).unwrap()
                        }))
                    }
                });
                // A client that goes away is no error.
                let _ = http1::Builder::new().serve_connection(TokioIo::new(connection), answer).await;
            });
        }
    }

    /// Serves on a free port of 127.0.0.1, in the background, and returns the address.
    fn start(self, runtime: &Runtime) -> Result<String> {
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0"))?;
        let address = listener.local_addr()?.to_string();
        runtime.spawn(self.listen(listener));
        Ok(address)
    }
}

/// Serves a component without end: for the load test, and to see whether a guest or its host is at fault.
pub fn forever(path: &str, address: &str) -> Result<()> {
    let runtime = Runtime::new()?;
    runtime.block_on(async {
        let listener = TcpListener::bind(address).await?;
        println!("{}", listener.local_addr()?);
        Server::new(&std::fs::read(path)?)?.listen(listener).await
    })
}

fn request(path: &str) -> hyper::http::request::Builder {
    Request::get(path).header("host", "localhost")
}

/// What a server answers a request with.
async fn text(server: &Server, request: Request<WasiBody>) -> Result<Bytes> {
    let response = server.answer(request).await?;
    ensure!(response.status() == 200, "status {}", response.status());
    Ok(response.into_body().collect().await?.to_bytes())
}

fn empty() -> WasiBody {
    Empty::<Bytes>::new().map_err(|never| match never {}).boxed_unsync()
}

/// An op is a request that a handler answers, without a server: all in one thread, where it is fastest.
fn hello(timer: &mut Timer) -> Result<()> {
    let server = Server::new(HELLO)?;
    let runtime = Builder::new_current_thread().enable_all().build()?;
    timer.each(|| {
        let text = runtime.block_on(text(&server, request("/").body(empty()).unwrap()))?;
        ensure!(text == HELLO_OUTPUT, "wrong output");
        Ok(())
    })
}

/// An op is a request of many that the guest makes, one after the other, to a server whose answer is small. Upstream
/// makes a connection for each.
fn fetch(timer: &mut Timer) -> Result<()> {
    let runtime = Runtime::new()?;
    let backend = runtime.block_on(TcpListener::bind("127.0.0.1:0"))?;
    let url = format!("http://{}/", backend.local_addr()?);
    runtime.spawn(async move {
        while let Ok((connection, _)) = backend.accept().await {
            let answer = service_fn(|_: Request<Incoming>| async {
                Ok::<_, Infallible>(Response::new(Full::<Bytes>::from(HELLO_OUTPUT)))
            });
            tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(connection), answer));
        }
    });
    let server = Server::new(PATHS)?;
    timer.run(|n| {
        let request = request(&format!("/fetches?{n}")).header("x-url", &url).body(empty()).unwrap();
        let text = runtime.block_on(text(&server, request))?;
        ensure!(text == format!("{n}\n"), "the guest: {}", String::from_utf8_lossy(&text));
        Ok(())
    })
}

/// The program that sends requests: the runner's own, for all peers.
struct Load {
    program: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Load {
    fn start(address: &str) -> Result<Load> {
        let program = std::env::var("BENCH_LOAD").map_err(|_| format_err!("BENCH_LOAD is not set"))?;
        let mut program = Command::new(program).arg(address).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let input = program.stdin.take().unwrap();
        let output = BufReader::new(program.stdout.take().unwrap());
        Ok(Load { program, input, output })
    }

    /// Sends so many requests, and waits for the answers.
    fn send(&mut self, n: u64) -> Result<()> {
        writeln!(self.input, "{n}")?;
        let mut line = String::new();
        self.output.read_line(&mut line)?;
        ensure!(line == "ok\n", "the load program: {line}");
        Ok(())
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        let _ = self.program.kill();
        let _ = self.program.wait();
    }
}

/// An op is a request over TCP, of those that many connections send at once.
fn serve(timer: &mut Timer) -> Result<()> {
    let runtime = Runtime::new()?;
    let mut load = Load::start(&Server::new(HELLO)?.start(&runtime)?)?;
    timer.run(|n| load.send(n))
}
