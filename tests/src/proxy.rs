//! An in-process HTTP proxy on loopback that takes whatever it is asked for to one address, and writes down what that was.
//!
//! So a client that goes through it reaches a server on loopback by any name, without anybody resolving the name.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;

/// The longest head of a request that is read.
const HEAD_LIMIT: usize = 64 << 10;

/// A proxy; ends when dropped.
pub struct Proxy {
    address: SocketAddr,
    asked: Arc<Mutex<Vec<String>>>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Proxy {
    /// Starts a proxy that takes everybody to `host`, an address and a port.
    pub fn start(host: &str) -> io::Result<Self> {
        let target: SocketAddr = host.parse().map_err(io::Error::other)?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let listener = runtime.block_on(TcpListener::bind((Ipv4Addr::LOCALHOST, 0)))?;
        let address = listener.local_addr()?;
        let asked = Arc::new(Mutex::new(Vec::new()));
        let (stop, stopped) = oneshot::channel();
        let noted = Arc::clone(&asked);
        let thread = std::thread::Builder::new().name("proxy".to_owned()).spawn(move || {
            runtime.block_on(async {
                tokio::select! {
                    () = serve(listener, target, noted) => {}
                    _ = stopped => {}
                }
            });
        })?;
        Ok(Self { address, asked, stop: Some(stop), thread: Some(thread) })
    }

    /// What the environment calls it.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The first line of each connection, without the version: `CONNECT host:443`, `GET http://host/path`.
    pub fn asked(&self) -> Vec<String> {
        lock(&self.asked).clone()
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        if let Some(stop) = self.stop.take() {
            let _already_ended = stop.send(());
        }
        if let Some(thread) = self.thread.take() {
            let _panicked = thread.join();
        }
    }
}

fn lock(asked: &Mutex<Vec<String>>) -> MutexGuard<'_, Vec<String>> {
    asked.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn serve(listener: TcpListener, target: SocketAddr, asked: Arc<Mutex<Vec<String>>>) {
    loop {
        let Ok((client, _)) = listener.accept().await else { continue };
        let asked = Arc::clone(&asked);
        tokio::spawn(async move {
            // A client that goes away is nobody's error.
            let _ended = forward(client, target, &asked).await;
        });
    }
}

async fn forward(mut client: TcpStream, target: SocketAddr, asked: &Mutex<Vec<String>>) -> io::Result<()> {
    let head = head(&mut client).await?;
    let line =
        String::from_utf8_lossy(head.split(|byte| *byte == b'\r').next().unwrap_or_default()).into_owned();
    lock(asked).push(line.rsplit_once(' ').map_or(line.as_str(), |(line, _)| line).to_owned());
    let mut server = TcpStream::connect(target).await?;
    if line.starts_with("CONNECT ") {
        client.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await?;
    } else {
        // A server understands the whole URL in the first line too (RFC 9112, section 3.2.2).
        server.write_all(&head).await?;
    }
    copy_bidirectional(&mut client, &mut server).await?;
    Ok(())
}

/// The bytes up to the empty line. A client sends nothing more before it is answered.
async fn head(client: &mut TcpStream) -> io::Result<Vec<u8>> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        if head.len() > HEAD_LIMIT || client.read_buf(&mut head).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
    Ok(head)
}
