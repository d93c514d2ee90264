//! A handler of wasi:http 0.2 that tries what good handlers do not. The path says what, the query how much.

use std::mem::forget;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use wasip2::clocks::monotonic_clock::subscribe_duration;
use wasip2::http::outgoing_handler;
use wasip2::http::types::{
    ErrorCode, Fields, FutureIncomingResponse, HeaderError, IncomingBody, IncomingRequest, Method, OutgoingBody,
    OutgoingRequest, OutgoingResponse, RequestOptions, ResponseOutparam, Scheme, http_error_code,
};
use wasip2::io::poll::poll;
use wasip2::io::streams::{InputStream, OutputStream, StreamError};

struct Handler;

static COUNT: AtomicU32 = AtomicU32::new(0);

impl wasip2::exports::http::incoming_handler::Guest for Handler {
    fn handle(request: IncomingRequest, out: ResponseOutparam) {
        let target = request.path_with_query().unwrap_or_default();
        let (path, query) = target.split_once('?').unwrap_or((&target, ""));
        let n: u64 = query.parse().unwrap_or(0);
        match path {
            // Every request counts: an instance that serves several goes on counting.
            "/count" => text(out, &format!("{}", COUNT.fetch_add(1, Relaxed) + 1)),
            "/print" => {
                println!("printed");
                text(out, "printed");
            }
            "/status" => {
                let response = OutgoingResponse::new(Fields::new());
                let set = response.set_status_code(n as u16);
                if set.is_err() {
                    return text(out, "no status");
                }
                ResponseOutparam::set(out, Ok(response));
            }
            "/twice" => {
                let other = unsafe { ResponseOutparam::from_handle(out.handle()) };
                text(out, "once");
                text(other, "twice");
            }
            "/kept" => {
                // For the next request: the parameter stays in the instance.
                static KEPT: AtomicU32 = AtomicU32::new(0);
                match KEPT.swap(out.handle(), Relaxed) {
                    0 => forget(out),
                    kept => {
                        text(unsafe { ResponseOutparam::from_handle(kept) }, "stale");
                        text(out, "second");
                    }
                }
            }
            // Fields without end, of one message, of many, and handles that nobody drops.
            "/fields" => {
                let fields = Fields::new();
                for i in 0..n {
                    fields.append(&format!("x-{i}"), b"value").unwrap();
                }
                text(out, "all");
            }
            "/messages" => {
                for _ in 0..n {
                    let fields = Fields::new();
                    for _ in 0..1000 {
                        fields.append("x", b"value").unwrap();
                    }
                    forget(fields);
                }
                text(out, "all");
            }
            "/handles" => {
                for _ in 0..n {
                    forget(Fields::new());
                }
                text(out, "all");
            }
            "/rules" => text(out, &rules(&request)),
            // Bodies that do not end as they should.
            "/unfinished" => {
                let (body, stream) = begin(out, Fields::new());
                write(&stream, &vec![b'x'; n as usize]);
                drop(stream);
                forget(body);
            }
            "/dropped" => {
                let (body, stream) = begin(out, Fields::new());
                write(&stream, &vec![b'x'; n as usize]);
                drop(stream);
                drop(body);
            }
            "/late" => {
                let (body, stream) = begin(out, Fields::new());
                write(&stream, &vec![b'x'; n as usize]);
                forget((body, stream));
                core::arch::wasm32::unreachable();
            }
            "/after" => {
                text(out, "complete");
                core::arch::wasm32::unreachable();
            }
            "/children" => {
                let (body, stream) = begin(out, Fields::new());
                let _ = OutgoingBody::finish(body, None);
                drop(stream);
            }
            "/orphans" => {
                let body = request.consume().unwrap();
                let stream = body.stream().unwrap();
                drop(body);
                drop(stream);
            }
            // A length that is not that of the body: 10 bytes.
            "/length" => {
                let fields = Fields::from_list(&[("content-length".into(), query.into())]).unwrap();
                let (body, stream) = begin(out, fields);
                if let Err(error) = stream.blocking_write_and_flush(b"0123456789") {
                    eprintln!("{:?}", code_of(error));
                }
                drop(stream);
                if let Err(error) = OutgoingBody::finish(body, None) {
                    eprintln!("{error:?}");
                }
            }
            // Times: the headers long before the body, a response long before the end of the call.
            "/early" => {
                let (body, stream) = begin(out, Fields::new());
                subscribe_duration(n * 1_000_000).block();
                write(&stream, b"late");
                drop(stream);
                OutgoingBody::finish(body, None).unwrap();
            }
            "/background" => {
                text(out, "done");
                subscribe_duration(n * 1_000_000).block();
            }
            "/ticks" => {
                let (body, stream) = begin(out, Fields::new());
                for _ in 0..n {
                    write(&stream, b"tick\n");
                    subscribe_duration(50_000_000).block();
                }
                drop(stream);
                OutgoingBody::finish(body, None).unwrap();
            }
            "/sleep" => {
                subscribe_duration(n * 1_000_000).block();
                text(out, "slept");
            }
            // A body before the response is set.
            "/before" => {
                let response = OutgoingResponse::new(Fields::new());
                let body = response.body().unwrap();
                let stream = body.write().unwrap();
                let mut written = 0;
                let mut failed = None;
                while written < n {
                    let now = (n - written).min(4096);
                    match stream.blocking_write_and_flush(&vec![b'x'; now as usize]) {
                        Ok(()) => written += now,
                        Err(error) => {
                            failed = Some(code_of(error));
                            break;
                        }
                    }
                }
                drop(stream);
                match failed {
                    None => {
                        OutgoingBody::finish(body, None).unwrap();
                        ResponseOutparam::set(out, Ok(response));
                    }
                    Some(error) => text(out, &format!("{written} {error:?}")),
                }
            }
            "/trailers" => {
                let (body, stream) = begin(out, Fields::new());
                drop(stream);
                let trailers = Fields::from_list(&[("x-last".into(), b"one".into())]).unwrap();
                OutgoingBody::finish(body, Some(trailers)).unwrap();
            }
            // The body as programs with an event loop read and write it.
            "/polled" => polled(request, out),
            "/read" => {
                let body = request.consume().unwrap();
                let stream = body.stream().unwrap();
                let read = read_all(&stream);
                text(
                    out,
                    &match read {
                        Ok(bytes) => format!("{}", bytes.len()),
                        Err(error) => format!("{:?}", code_of(error)),
                    },
                );
            }
            "/again" => {
                let body = request.consume().unwrap();
                let first = (body.stream().is_ok(), body.stream().is_ok(), request.consume().is_ok());
                text(out, &format!("{first:?}"));
            }
            // Requests: to the URL in x-url, with time-outs in milliseconds in x-times.
            "/fetch" => fetch(request, out),
            "/all" => all(request, n, out),
            "/abandon" => {
                let (future, _) = send(&request, Method::Get, None);
                subscribe_duration(50_000_000).block();
                drop(future);
                text(out, "abandoned");
            }
            "/unsent" => {
                let onward = OutgoingRequest::new(Fields::new());
                let body = onward.body().unwrap();
                let stream = body.write().unwrap();
                let mut written = 0;
                let failed = loop {
                    match stream.blocking_write_and_flush(&[b'x'; 4096]) {
                        Ok(()) => written += 4096,
                        Err(error) => break code_of(error),
                    }
                };
                text(out, &format!("{written} {failed:?}"));
            }
            _ => text(out, "no such path"),
        }
    }
}

wasip2::http::proxy::export!(Handler);

fn begin(out: ResponseOutparam, fields: Fields) -> (OutgoingBody, OutputStream) {
    let response = OutgoingResponse::new(fields);
    let body = response.body().unwrap();
    ResponseOutparam::set(out, Ok(response));
    let stream = body.write().unwrap();
    (body, stream)
}

fn text(out: ResponseOutparam, text: &str) {
    let (body, stream) = begin(out, Fields::new());
    write(&stream, text.as_bytes());
    drop(stream);
    OutgoingBody::finish(body, None).unwrap();
}

fn write(stream: &OutputStream, bytes: &[u8]) {
    for part in bytes.chunks(4096) {
        if stream.blocking_write_and_flush(part).is_err() {
            return;
        }
    }
}

fn read_all(stream: &InputStream) -> Result<Vec<u8>, StreamError> {
    let mut all = Vec::new();
    loop {
        match stream.blocking_read(64 << 10) {
            Ok(bytes) => all.extend(bytes),
            Err(StreamError::Closed) => return Ok(all),
            Err(error) => return Err(error),
        }
    }
}

/// What a stream failed with.
fn code_of(error: StreamError) -> Option<ErrorCode> {
    match error {
        StreamError::LastOperationFailed(error) => http_error_code(&error),
        StreamError::Closed => None,
    }
}

fn rules(request: &IncomingRequest) -> String {
    let fields = Fields::new();
    let mut said = Vec::new();
    let mut note = |what: &str, got: Result<(), HeaderError>| {
        said.push(format!(
            "{what}: {}",
            match got {
                Ok(()) => "ok",
                Err(HeaderError::InvalidSyntax) => "invalid-syntax",
                Err(HeaderError::Forbidden) => "forbidden",
                Err(HeaderError::Immutable) => "immutable",
            }
        ));
    };
    for name in [
        "connection",
        "Keep-Alive",
        "proxy-authenticate",
        "proxy-authorization",
        "proxy-connection",
        "transfer-encoding",
        "Upgrade",
        "host",
        "http2-settings",
    ] {
        note(name, fields.append(name, b"x"));
    }
    note("a name", fields.append("a name", b"x"));
    note("empty", fields.append("", b"x"));
    note("line", fields.append("x", b"a\r\nb"));
    note("bytes", fields.append("x", &[0xff, b'\t', b' ']));
    note("two lengths", fields.set("content-length", &[b"1".into(), b"1".into()]));
    note("length", fields.append("content-length", b"+1"));
    note("length", fields.append("content-length", b"0010"));
    note("length again", fields.append("content-length", b"10"));
    note("request", request.headers().append("x", b"x"));
    note("clone", request.headers().clone().append("x", b"x"));
    note("delete", fields.delete("X"));
    note("none", fields.set("y", &[]));
    let list = [("a".into(), b"1".into()), ("b".into(), b"2".into()), ("A".into(), b"3".into())];
    let listed = Fields::from_list(&list).unwrap().entries();
    let more = vec![
        listed
            .iter()
            .map(|(name, value)| format!("{name}={}", String::from_utf8_lossy(value)))
            .collect::<Vec<_>>()
            .join(" "),
        format!("{} {}", fields.has("content-length"), fields.has("x")),
    ];
    let response = OutgoingResponse::new(fields);
    note("response", response.headers().append("x", b"x"));
    said.extend(more);
    said.join("\n")
}

fn polled(request: IncomingRequest, out: ResponseOutparam) {
    let incoming = request.consume().unwrap();
    let from = incoming.stream().unwrap();
    let (body, to) = begin(out, Fields::new());
    let (readable, writable) = (from.subscribe(), to.subscribe());
    let mut pending: Vec<u8> = Vec::new();
    'all: loop {
        while !pending.is_empty() {
            let room = to.check_write().unwrap() as usize;
            if room == 0 {
                poll(&[&writable]);
                continue;
            }
            let rest = pending.split_off(room.min(pending.len()));
            to.write(&pending).unwrap();
            pending = rest;
        }
        loop {
            match from.read(10_000) {
                Ok(bytes) if bytes.is_empty() => {
                    let ready = poll(&[&readable, &writable]);
                    if !ready.contains(&0) {
                        poll(&[&readable]);
                    }
                }
                Ok(bytes) => {
                    pending = bytes;
                    break;
                }
                Err(_) => break 'all,
            }
        }
    }
    drop((readable, writable, from, to));
    let trailers = IncomingBody::finish(incoming);
    trailers.subscribe().block();
    let trailers = match trailers.get() {
        Some(Ok(Ok(Some(fields)))) => Some(fields.clone()),
        _ => None,
    };
    OutgoingBody::finish(body, trailers).unwrap();
}

/// Sends a request to the URL that another one has in x-url, with a part of a body if there is to be one.
fn send(
    request: &IncomingRequest,
    method: Method,
    body: Option<&[u8]>,
) -> (Result<FutureIncomingResponse, ErrorCode>, ()) {
    let url = String::from_utf8(request.headers().get("x-url").pop().unwrap()).unwrap();
    let (scheme, rest) = url.split_once("://").unwrap();
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let onward = OutgoingRequest::new(Fields::from_list(&[("x-from".into(), b"guest".into())]).unwrap());
    onward.set_method(&method).unwrap();
    onward
        .set_scheme(Some(&match scheme {
            "http" => Scheme::Http,
            "https" => Scheme::Https,
            other => Scheme::Other(other.into()),
        }))
        .unwrap();
    if onward.set_authority(Some(authority)).is_err() || onward.set_path_with_query(Some(path)).is_err() {
        return (Err(ErrorCode::HttpRequestUriInvalid), ());
    }
    let outgoing = body.map(|_| onward.body().unwrap());
    let options = RequestOptions::new();
    if let Some(times) = request.headers().get("x-times").pop() {
        let times = String::from_utf8(times).unwrap();
        let times: Vec<_> = times.split(',').map(|n| Some(n.parse::<u64>().unwrap() * 1_000_000)).collect();
        options.set_connect_timeout(times[0]).unwrap();
        options.set_first_byte_timeout(times[1]).unwrap();
        options.set_between_bytes_timeout(times[2]).unwrap();
    }
    let future = outgoing_handler::handle(onward, Some(options));
    if let (Some(outgoing), Some(bytes)) = (outgoing, body) {
        let stream = outgoing.write().unwrap();
        write(&stream, bytes);
        drop(stream);
        let trailers = Fields::from_list(&[("x-sent".into(), bytes.len().to_string().into())]).unwrap();
        let _ = OutgoingBody::finish(outgoing, Some(trailers));
    }
    (future, ())
}

fn fetched(future: Result<FutureIncomingResponse, ErrorCode>) -> Result<String, ErrorCode> {
    let future = future?;
    future.subscribe().block();
    let response = future.get().unwrap().unwrap()?;
    assert!(future.get().unwrap().is_err());
    let status = response.status();
    let incoming = response.consume().unwrap();
    let stream = incoming.stream().unwrap();
    let read = read_all(&stream);
    drop(stream);
    let trailers = IncomingBody::finish(incoming);
    match read {
        Ok(bytes) => {
            trailers.subscribe().block();
            let trailers = match trailers.get() {
                Some(Ok(Ok(Some(fields)))) => format!(" {:?}", fields.entries().len()),
                _ => String::new(),
            };
            let start = String::from_utf8_lossy(&bytes[..bytes.len().min(100)]).into_owned();
            Ok(format!("{status} {} {start}{trailers}", bytes.len()))
        }
        Err(error) => Ok(format!("{status} {:?}", code_of(error))),
    }
}

fn fetch(request: IncomingRequest, out: ResponseOutparam) {
    let body = match request.method() {
        Method::Get => None,
        _ => Some(read_all(&request.consume().unwrap().stream().unwrap()).unwrap()),
    };
    let (future, ()) = send(&request, request.method(), body.as_deref());
    match fetched(future) {
        Ok(said) => text(out, &said),
        Err(code) => text(out, &format!("{code:?}")),
    }
}

fn all(request: IncomingRequest, n: u64, out: ResponseOutparam) {
    let futures: Vec<_> = (0..n).map(|_| send(&request, Method::Get, None).0).collect();
    let mut said = String::new();
    for future in futures {
        match fetched(future) {
            Ok(line) => said += &format!("{line}\n"),
            Err(code) => said += &format!("{code:?}\n"),
        }
    }
    text(out, &said);
}
