//! An in-process proxy in front of one HTTP server that fails requests, before or after the server has done them, and that
//! can be away.
//!
//! What it passes on it does not change, `Host` included, so that signed requests stay signed: the server sees the
//! proxy's address where the client does.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;

/// A proxy that fails; ends when dropped.
pub struct FaultProxy {
    address: SocketAddr,
    mood: Arc<Mutex<Mood>>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<std::thread::JoinHandle<()>>,
}

/// What went wrong so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Failures {
    /// Requests that never reached the server.
    pub before: u64,
    /// Requests that the server had done when their reply was lost.
    pub after: u64,
    /// Connections and requests while the server seemed to be away.
    pub away: u64,
    /// Requests in all.
    pub requests: u64,
}

struct Mood {
    random: fastrand::Rng,
    one_in: Option<u32>,
    away: bool,
    failures: Failures,
}

/// What becomes of one request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    Passed,
    /// Its reply never comes.
    Cut {
        after: bool,
    },
    /// The server excuses itself.
    Refused {
        after: bool,
    },
}

impl FaultProxy {
    /// Starts a proxy for the server at `target`, an address and a port. It passes on everything until told otherwise;
    /// which requests fail then follows from `seed` and from their order.
    pub fn start(target: &str, seed: u64) -> io::Result<Self> {
        let target: SocketAddr = target.parse().map_err(io::Error::other)?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let listener = runtime.block_on(TcpListener::bind((Ipv4Addr::LOCALHOST, 0)))?;
        let address = listener.local_addr()?;
        let random = fastrand::Rng::with_seed(seed);
        let mood =
            Arc::new(Mutex::new(Mood { random, one_in: None, away: false, failures: Failures::default() }));
        let (stop, stopped) = oneshot::channel();
        let served = Arc::clone(&mood);
        let thread = std::thread::Builder::new().name("faults".to_owned()).spawn(move || {
            runtime.block_on(async {
                tokio::select! {
                    () = serve(listener, target, served) => {}
                    _ = stopped => {}
                }
            });
        })?;
        Ok(Self { address, mood, stop: Some(stop), thread: Some(thread) })
    }

    /// Where it listens.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// From now on fails one request in `one_in`, every second of them after the server has done it. None: no more.
    pub fn fail(&self, one_in: Option<u32>) {
        lock(&self.mood).one_in = one_in;
    }

    /// From now on answers nobody; or does again.
    pub fn be_away(&self, away: bool) {
        lock(&self.mood).away = away;
    }

    /// What went wrong so far.
    pub fn failures(&self) -> Failures {
        lock(&self.mood).failures
    }
}

impl Drop for FaultProxy {
    fn drop(&mut self) {
        if let Some(stop) = self.stop.take() {
            let _already_ended = stop.send(());
        }
        if let Some(thread) = self.thread.take() {
            let _panicked = thread.join();
        }
    }
}

impl Mood {
    fn fate(&mut self) -> Fate {
        self.failures.requests += 1;
        if self.away {
            self.failures.away += 1;
            return Fate::Cut { after: false };
        }
        let Some(one_in) = self.one_in else { return Fate::Passed };
        if self.random.u32(0..one_in.max(1)) != 0 {
            return Fate::Passed;
        }
        let after = (self.failures.before + self.failures.after) % 2 == 1;
        if after {
            self.failures.after += 1;
        } else {
            self.failures.before += 1;
        }
        if self.random.bool() { Fate::Cut { after } } else { Fate::Refused { after } }
    }
}

fn lock(mood: &Mutex<Mood>) -> MutexGuard<'_, Mood> {
    mood.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn serve(listener: TcpListener, target: SocketAddr, mood: Arc<Mutex<Mood>>) {
    loop {
        let Ok((client, _)) = listener.accept().await else { continue };
        {
            let mut mood = lock(&mood);
            if mood.away {
                mood.failures.away += 1;
                continue;
            }
        }
        let mood = Arc::clone(&mood);
        tokio::spawn(async move {
            let service = service_fn(move |request| {
                let fate = lock(&mood).fate();
                answer(request, target, fate)
            });
            // A break that we made ourselves is nobody's error.
            let _ended = hyper::server::conn::http1::Builder::new()
                .serve_connection(TokioIo::new(client), service)
                .await;
        });
    }
}

/// An error breaks the connection to the client.
async fn answer(
    request: Request<Incoming>,
    target: SocketAddr,
    fate: Fate,
) -> io::Result<Response<Full<Bytes>>> {
    let reply = match fate {
        Fate::Cut { after: false } => return Err(io::ErrorKind::ConnectionReset.into()),
        // Read, so that a client that is still sending is not cut off.
        Fate::Refused { after: false } => request.into_body().collect().await.map(drop).map(|()| refusal()),
        Fate::Passed | Fate::Cut { after: true } | Fate::Refused { after: true } => {
            pass(request, target).await
        }
    };
    let reply = reply.map_err(io::Error::other)?;
    match fate {
        Fate::Cut { .. } => Err(io::ErrorKind::ConnectionReset.into()),
        Fate::Refused { .. } => Ok(refusal()),
        Fate::Passed => Ok(reply),
    }
}

fn refusal() -> Response<Full<Bytes>> {
    let mut reply =
        Response::new(Full::from("<Error><Code>SlowDown</Code><Message>not now</Message></Error>"));
    *reply.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
    reply
}

async fn pass(request: Request<Incoming>, target: SocketAddr) -> hyper::Result<Response<Full<Bytes>>> {
    let (head, body) = request.into_parts();
    let request = Request::from_parts(head, Full::new(body.collect().await?.to_bytes()));
    let Ok(server) = TcpStream::connect(target).await else { return Ok(refusal()) };
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(server)).await?;
    // Ends with the sender.
    tokio::spawn(connection);
    let (head, body) = sender.send_request(request).await?.into_parts();
    Ok(Response::from_parts(head, Full::new(body.collect().await?.to_bytes())))
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};

    use super::*;
    use crate::image::{ImageBuilder, Layer};
    use crate::registry::Registry;

    /// The first line of the answer, or nothing.
    fn ask(proxy: &FaultProxy) -> String {
        let mut stream = std::net::TcpStream::connect(proxy.address).unwrap();
        let request = "GET /v2/app/manifests/1 HTTP/1.1\r\nhost: signed.example\r\nconnection: close\r\n\r\n";
        let mut answer = String::new();
        // A connection that breaks has answered nothing.
        let _broken = stream.write_all(request.as_bytes()).and_then(|()| stream.read_to_string(&mut answer));
        answer.lines().next().unwrap_or_default().to_owned()
    }

    fn serving() -> (Registry, FaultProxy) {
        let registry = Registry::start().unwrap();
        registry.push("app", "1", &ImageBuilder::new("amd64").layer(Layer::new("x").file("a", "b")).build());
        let proxy = FaultProxy::start(&registry.host(), 7).unwrap();
        (registry, proxy)
    }

    #[test]
    fn half_of_what_fails_has_been_done() {
        let (registry, proxy) = serving();
        assert!(ask(&proxy).contains("200"));
        proxy.fail(Some(3));
        let failed = (0..60).filter(|_| !ask(&proxy).contains("200")).count() as u64;
        let failures = proxy.failures();
        assert_eq!((failures.before + failures.after, failures.requests), (failed, 61));
        assert!(failed > 9 && failures.before - failures.after <= 1, "{failures:?}");
        assert_eq!(registry.count("GET", "/v2/app/manifests/1") as u64, 61 - failures.before);
        proxy.fail(None);
        assert!(ask(&proxy).contains("200"));
    }

    #[test]
    fn who_is_away_answers_nobody_and_comes_back() {
        let (registry, proxy) = serving();
        proxy.be_away(true);
        assert_eq!(ask(&proxy), "");
        assert_eq!(registry.requests().len(), 0);
        proxy.be_away(false);
        assert!(ask(&proxy).contains("200"));
        assert_eq!(proxy.failures(), Failures { away: 1, requests: 1, ..Failures::default() });
    }
}
