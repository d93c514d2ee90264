//! A handler of wasi:http 0.2. The path says what it does:
//!
//! - `/hello` says hello, and so does every path that is none of these;
//! - `/echo` sends the body back as it comes, and its length in the trailer `x-bytes`;
//! - `/bytes?N` sends N bytes;
//! - `/read` reads the body to its end, and says how long it was;
//! - `/fields` says what it was asked: the method, the path, the fields, and the trailers behind the body;
//! - `/fetch` sends the request on to the URL in the field `x-url`: first all of its body, then back comes the answer;
//! - `/fetches?N` gets that URL N times, reads the answers, and says N when all were 200;
//! - `/trap` traps, `/late` traps when a part of the body is out, `/never` answers nothing, `/error` answers with an
//!   error code, `/spin` computes without end, and `/wait` sleeps without end.

use wasip2::clocks::monotonic_clock::subscribe_duration;
use wasip2::http::outgoing_handler;
use wasip2::http::types::{
    ErrorCode, Fields, IncomingBody, IncomingRequest, IncomingResponse, Method, OutgoingBody, OutgoingRequest,
    OutgoingResponse, ResponseOutparam, Scheme,
};
use wasip2::io::streams::{InputStream, OutputStream, StreamError};

/// How much is read or written at once.
const CHUNK: u64 = 64 << 10;

struct Handler;

impl wasip2::exports::http::incoming_handler::Guest for Handler {
    fn handle(request: IncomingRequest, out: ResponseOutparam) {
        let target = request.path_with_query().unwrap_or_default();
        let (path, query) = target.split_once('?').unwrap_or((&target, ""));
        match path {
            "/echo" => echo(request, out),
            "/bytes" => bytes(query.parse().unwrap_or(0), out),
            "/read" => read(request, out),
            "/fields" => fields(request, &target, out),
            "/fetch" => fetch(request, out),
            "/fetches" => fetches(request, query.parse().unwrap_or(0), out),
            "/trap" => core::arch::wasm32::unreachable(),
            "/late" => late(out),
            "/never" => drop(out),
            "/error" => ResponseOutparam::set(out, Err(ErrorCode::InternalError(Some("on purpose".into())))),
            "/spin" => loop {
                core::hint::spin_loop();
            },
            "/wait" => loop {
                subscribe_duration(u64::MAX / 2).block();
            },
            _ => text(out, "Hello from a guest\n"),
        }
    }
}

wasip2::http::proxy::export!(Handler);

/// Answers with a status, and returns the body.
fn answer(out: ResponseOutparam, status: u16, fields: Fields) -> OutgoingBody {
    let response = OutgoingResponse::new(fields);
    response.set_status_code(status).unwrap();
    let body = response.body().unwrap();
    ResponseOutparam::set(out, Ok(response));
    body
}

fn plain() -> Fields {
    Fields::from_list(&[("content-type".into(), b"text/plain".into())]).unwrap()
}

/// Answers with a text.
fn text(out: ResponseOutparam, text: &str) {
    let body = answer(out, 200, plain());
    let stream = body.write().unwrap();
    let sent = write(&stream, text.as_bytes());
    drop(stream);
    finish(body, sent, None);
}

/// Writes everything, as the stream takes it.
fn write(stream: &OutputStream, mut bytes: &[u8]) -> Result<(), StreamError> {
    while !bytes.is_empty() {
        let room = stream.check_write()? as usize;
        if room == 0 {
            stream.subscribe().block();
            continue;
        }
        let (now, later) = bytes.split_at(room.min(bytes.len()));
        stream.write(now)?;
        bytes = later;
    }
    Ok(())
}

/// Ends a body that went out whole. One that did not is dropped, by which the other side learns of it.
fn finish(body: OutgoingBody, sent: Result<(), StreamError>, trailers: Option<Fields>) {
    if sent.is_ok() {
        let _ = OutgoingBody::finish(body, trailers);
    }
}

/// Hands over all that a stream has, in parts, and returns how much that was.
fn drain(from: &InputStream, mut part: impl FnMut(&[u8]) -> Result<(), StreamError>) -> Result<u64, StreamError> {
    let mut length = 0;
    loop {
        match from.blocking_read(CHUNK) {
            Ok(bytes) => {
                length += bytes.len() as u64;
                part(&bytes)?;
            }
            Err(StreamError::Closed) => return Ok(length),
            Err(error) => return Err(error),
        }
    }
}

fn echo(request: IncomingRequest, out: ResponseOutparam) {
    let incoming = request.consume().unwrap();
    let from = incoming.stream().unwrap();
    let fields = Fields::new();
    for value in request.headers().get("content-type") {
        fields.append("content-type", &value).unwrap();
    }
    fields.append("trailer", b"x-bytes").unwrap();
    let body = answer(out, 200, fields);
    let to = body.write().unwrap();
    let length = drain(&from, |bytes| write(&to, bytes));
    drop((from, to, incoming));
    let trailers = Fields::new();
    if let Ok(length) = &length {
        trailers.append("x-bytes", length.to_string().as_bytes()).unwrap();
    }
    finish(body, length.map(drop), Some(trailers));
}

fn bytes(n: u64, out: ResponseOutparam) {
    let body = answer(out, 200, Fields::new());
    let stream = body.write().unwrap();
    let chunk = [b'x'; CHUNK as usize];
    let (mut left, mut sent) = (n, Ok(()));
    while left > 0 && sent.is_ok() {
        let now = left.min(CHUNK);
        sent = write(&stream, &chunk[..now as usize]);
        left -= now;
    }
    drop(stream);
    finish(body, sent, None);
}

fn read(request: IncomingRequest, out: ResponseOutparam) {
    let body = request.consume().unwrap();
    match drain(&body.stream().unwrap(), |_| Ok(())) {
        Ok(length) => text(out, &format!("{length}\n")),
        Err(error) => text(out, &format!("{error:?}\n")),
    }
}

fn lines(kind: &str, fields: &Fields) -> String {
    let mut entries = fields.entries();
    entries.sort();
    let line = |(name, value): &(String, Vec<u8>)| format!("{kind} {name}: {}\n", String::from_utf8_lossy(value));
    entries.iter().map(line).collect()
}

fn fields(request: IncomingRequest, target: &str, out: ResponseOutparam) {
    let method = match request.method() {
        Method::Other(name) => name,
        method => format!("{method:?}").trim_start_matches("Method::").to_uppercase(),
    };
    let scheme = request.scheme().map(|scheme| format!("{scheme:?}").trim_start_matches("Scheme::").to_lowercase());
    let mut said = format!(
        "{method} {target}\nscheme {}\nauthority {}\n",
        scheme.unwrap_or_default(),
        request.authority().unwrap_or_default(),
    );
    said += &lines("field", &request.headers());
    let body = request.consume().unwrap();
    let _ = drain(&body.stream().unwrap(), |_| Ok(()));
    let trailers = IncomingBody::finish(body);
    trailers.subscribe().block();
    match trailers.get() {
        Some(Ok(Ok(Some(fields)))) => said += &lines("trailer", &fields),
        Some(Ok(Ok(None))) => {}
        other => said += &format!("no trailers: {other:?}\n"),
    }
    text(out, &said);
}

fn late(out: ResponseOutparam) {
    let body = answer(out, 200, plain());
    let stream = body.write().unwrap();
    let _ = stream.blocking_write_and_flush(b"the first part\n");
    core::arch::wasm32::unreachable()
}

fn fetch(request: IncomingRequest, out: ResponseOutparam) {
    let body = match forward(&request) {
        Ok(response) => response.consume().map(|incoming| {
            let body = answer(out, response.status(), copied(&response.headers()));
            (incoming, body)
        }),
        Err(why) => {
            let body = answer(out, 502, plain());
            let stream = body.write().unwrap();
            let sent = write(&stream, why.as_bytes());
            drop(stream);
            return finish(body, sent, None);
        }
    };
    let (incoming, body) = body.unwrap();
    let from = incoming.stream().unwrap();
    let to = body.write().unwrap();
    let sent = drain(&from, |bytes| write(&to, bytes)).map(drop);
    drop((from, to));
    let trailers = IncomingBody::finish(incoming);
    trailers.subscribe().block();
    let trailers = match trailers.get() {
        Some(Ok(Ok(Some(fields)))) => Some(fields.clone()),
        _ => None,
    };
    finish(body, sent, trailers);
}

fn fetches(request: IncomingRequest, n: u64, out: ResponseOutparam) {
    for _ in 0..n {
        let response = match forward(&request) {
            Ok(response) if response.status() == 200 => response,
            Ok(response) => return text(out, &format!("status {}\n", response.status())),
            Err(why) => return text(out, &why),
        };
        let body = response.consume().unwrap();
        if let Err(error) = drain(&body.stream().unwrap(), |_| Ok(())) {
            return text(out, &format!("{error:?}\n"));
        }
    }
    text(out, &format!("{n}\n"));
}

/// The fields that say something of a body or of the answer, not those of the connection.
fn copied(from: &Fields) -> Fields {
    let fields = Fields::new();
    for (name, value) in from.entries() {
        if name.starts_with("x-") && name != "x-url" || name == "content-type" || name == "trailer" {
            fields.append(&name, &value).unwrap();
        }
    }
    fields
}

/// Sends a request on, and returns the answer to it, or what went wrong.
fn forward(request: &IncomingRequest) -> Result<IncomingResponse, String> {
    let url = request.headers().get("x-url").pop().ok_or("no field x-url\n")?;
    let url = String::from_utf8(url).map_err(|_| "no text in x-url\n")?;
    let (scheme, rest) = url.split_once("://").ok_or("no scheme in x-url\n")?;
    let (authority, path) = match rest.find('/') {
        Some(at) => rest.split_at(at),
        None => (rest, "/"),
    };
    let scheme = match scheme {
        "http" => Scheme::Http,
        "https" => Scheme::Https,
        other => Scheme::Other(other.into()),
    };
    let onward = OutgoingRequest::new(copied(&request.headers()));
    let refused = |()| "refused\n".to_string();
    onward.set_method(&request.method()).map_err(refused)?;
    onward.set_scheme(Some(&scheme)).map_err(refused)?;
    onward.set_authority(Some(authority)).map_err(refused)?;
    onward.set_path_with_query(Some(path)).map_err(refused)?;
    let has_body = !matches!(request.method(), Method::Get | Method::Head);
    let body = has_body.then(|| onward.body().unwrap());
    let code = |code: ErrorCode| format!("{code:?}\n");
    let future = outgoing_handler::handle(onward, None).map_err(code)?;
    if let Some(body) = body {
        let incoming = request.consume().unwrap();
        let from = incoming.stream().unwrap();
        let to = body.write().unwrap();
        let sent = drain(&from, |bytes| write(&to, bytes)).map(drop);
        drop((from, to));
        finish(body, sent, None);
    }
    future.subscribe().block();
    match future.get() {
        Some(Ok(answer)) => answer.map_err(code),
        other => Err(format!("{other:?}\n")),
    }
}
