//! A program of Rust's standard library for WASI 0.2: its first argument says what it does.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead, Read, Seek, SeekFrom, Write};
use std::net::{TcpListener, TcpStream, ToSocketAddrs, UdpSocket};
use std::process::ExitCode;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

type Outcome = Result<(), Box<dyn std::error::Error>>;

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().collect();
    let rest = args.get(2..).unwrap_or_default();
    let outcome = match args.get(1).map(String::as_str) {
        Some("hello") => hello(&args),
        Some("cat") => cat(),
        Some("lines") => lines(),
        Some("exit") => std::process::exit(rest[0].parse().unwrap()),
        Some("files") => files(&rest[0]),
        Some("list") => list(&rest[0]),
        Some("write") => fs::write(&rest[0], &rest[1]).map_err(Into::into),
        Some("read") => read(&rest[0]),
        Some("copy") => copy(&rest[0], &rest[1]),
        Some("time") => time(),
        Some("sleep") => sleep(&rest[0]),
        Some("random") => random(),
        Some("connect") => connect(&rest[0]),
        Some("listen") => listen(),
        Some("udp") => udp(),
        Some("lookup") => lookup(&rest[0]),
        Some("threads") => threads(),
        Some("panic") => panic!("on purpose"),
        Some("hoard") => hoard(&rest[0]),
        other => Err(format!("unknown: {other:?}").into()),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn hello(args: &[String]) -> Outcome {
    println!("args {args:?}");
    let variables: BTreeMap<_, _> = std::env::vars().collect();
    println!("env {variables:?}");
    println!("cwd {:?}", std::env::current_dir()?);
    eprintln!("to stderr");
    Ok(())
}

fn cat() -> Outcome {
    let n = io::copy(&mut io::stdin(), &mut io::stdout())?;
    eprintln!("{n} bytes");
    Ok(())
}

/// Answers each line before the next is read.
fn lines() -> Outcome {
    for line in io::stdin().lock().lines() {
        println!("got {}", line?);
        io::stdout().flush()?;
    }
    Ok(())
}

fn show<T: std::fmt::Debug>(what: &str, result: io::Result<T>) {
    match result {
        Ok(value) => println!("{what}: {value:?}"),
        Err(error) => println!("{what}: {error}"),
    }
}

fn files(dir: &str) -> Outcome {
    let path = |name: &str| format!("{dir}/{name}");
    fs::create_dir(path("sub"))?;
    fs::write(path("sub/a"), "hello")?;
    OpenOptions::new().append(true).open(path("sub/a"))?.write_all(b", World")?;
    let mut file = OpenOptions::new().read(true).write(true).open(path("sub/a"))?;
    file.seek(SeekFrom::Start(7))?;
    file.write_all(b"w")?;
    file.seek(SeekFrom::Current(-1))?;
    let mut text = String::new();
    file.read_to_string(&mut text)?;
    println!("read {text}");
    println!("len {}", file.metadata()?.len());
    file.set_len(5)?;
    file.sync_all()?;
    println!("cut {}", fs::read_to_string(path("sub/a"))?);
    fs::rename(path("sub/a"), path("sub/b"))?;
    fs::hard_link(path("sub/b"), path("sub/c"))?;
    show("exists", File::open(path("sub/a")).map(drop));
    show("exclusive", OpenOptions::new().write(true).create_new(true).open(path("sub/b")).map(drop));
    show("outside", fs::read_to_string(path("../outside")));
    show("not empty", fs::remove_dir(path("sub")));
    show("is a directory", fs::read(path("sub")));
    show("type", fs::metadata(path("sub/b")).map(|m| (m.is_file(), m.is_dir(), m.len())));
    let at = UNIX_EPOCH + Duration::from_secs(1_000_000_000);
    OpenOptions::new().write(true).open(path("sub/b"))?.set_modified(at)?;
    println!("time {:?}", fs::metadata(path("sub/b"))?.modified()?.duration_since(UNIX_EPOCH)?);
    list(&path("sub"))?;
    fs::remove_file(path("sub/b"))?;
    fs::remove_file(path("sub/c"))?;
    fs::remove_dir(path("sub"))?;
    list(dir)
}

fn list(dir: &str) -> Outcome {
    let mut names = Vec::new();
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        let mark = if entry.file_type()?.is_dir() { "/" } else { "" };
        names.push(entry.file_name().into_string().unwrap() + mark);
    }
    names.sort();
    println!("list {} {:?}", names.len(), &names[..names.len().min(10)]);
    Ok(())
}

fn read(path: &str) -> Outcome {
    print!("{}", fs::read_to_string(path)?);
    Ok(())
}

fn copy(from: &str, to: &str) -> Outcome {
    let mut buffer = vec![0; 65536];
    let (mut from, mut to) = (File::open(from)?, File::create(to)?);
    let mut all = 0;
    loop {
        match from.read(&mut buffer)? {
            0 => break,
            n => to.write_all(&buffer[..n])?,
        }
        all += 1;
    }
    println!("copied in {}", if all > 0 { "parts" } else { "none" });
    Ok(())
}

fn time() -> Outcome {
    let before = Instant::now();
    std::thread::sleep(Duration::from_millis(30));
    println!("slept {}", before.elapsed() >= Duration::from_millis(30));
    println!("now {}", SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs());
    Ok(())
}

fn sleep(seconds: &str) -> Outcome {
    std::thread::sleep(Duration::from_secs(seconds.parse()?));
    Ok(())
}

/// Two maps have keys of their own, which are random.
fn random() -> Outcome {
    use std::hash::{BuildHasher, RandomState};
    let (one, other) = (RandomState::new().hash_one(1), RandomState::new().hash_one(1));
    println!("different {}", one != other);
    Ok(())
}

fn connect(address: &str) -> Outcome {
    let mut stream = TcpStream::connect(address)?;
    stream.write_all(b"hello from the guest\n")?;
    stream.shutdown(std::net::Shutdown::Write)?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    print!("answer {answer}");
    Ok(())
}

/// Says which port it has, and sends back what comes.
fn listen() -> Outcome {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    println!("port {}", listener.local_addr()?.port());
    let (mut stream, _) = listener.accept()?;
    let (mut buffer, mut all) = (vec![0; 10_000], 0);
    loop {
        match stream.read(&mut buffer)? {
            0 => break,
            n => stream.write_all(&buffer[..n])?,
        }
        all += 1;
    }
    println!("echoed {}", all > 0);
    Ok(())
}

fn udp() -> Outcome {
    let (one, other) = (UdpSocket::bind("127.0.0.1:0")?, UdpSocket::bind("127.0.0.1:0")?);
    one.send_to(b"datagram", other.local_addr()?)?;
    let mut buffer = [0; 100];
    let (n, from) = other.recv_from(&mut buffer)?;
    println!("{} {}", String::from_utf8_lossy(&buffer[..n]), from == one.local_addr()?);
    Ok(())
}

fn lookup(name: &str) -> Outcome {
    println!("found {}", (name, 80).to_socket_addrs()?.count() > 0);
    Ok(())
}

fn threads() -> Outcome {
    show("thread", std::thread::Builder::new().spawn(|| ()).map(drop));
    Ok(())
}

/// Opens files until that fails.
fn hoard(path: &str) -> Outcome {
    let mut all = Vec::new();
    let error = loop {
        match File::open(path) {
            Ok(file) => all.push(file),
            Err(error) => break error,
        }
    };
    println!("{} files: {:?}", all.len(), error.raw_os_error());
    Ok(())
}
