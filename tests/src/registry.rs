//! An in-process OCI registry on loopback: it serves images, counts what it is asked, and misbehaves on request.
//!
//! It runs on a thread of its own, so that tests need no runtime, and ends when dropped.

mod auth;
mod fault;
mod listing;
mod reply;
mod serve;
mod tls;

use std::collections::BTreeMap;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{oneshot, watch};
use tokio_rustls::TlsAcceptor;

use crate::image::{Blob, Image, index};

pub use auth::Auth;
pub use fault::{Fault, Misdeed};

/// A registry; ends when dropped.
pub struct Registry {
    address: SocketAddr,
    shared: Arc<Shared>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<std::thread::JoinHandle<()>>,
}

/// What the thread that serves and the tests have in common.
#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    /// A request came in.
    came: Condvar,
}

/// What the registry has, wants and does.
#[derive(Default)]
struct State {
    blobs: BTreeMap<String, Blob>,
    /// Digest by `<repository>:<tag>`.
    tags: BTreeMap<String, String>,
    /// Repositories with so many tags that all name one digest.
    endless: BTreeMap<String, (String, usize)>,
    auth: Auth,
    faults: Vec<Fault>,
    requests: Vec<Request>,
    pace: Option<reply::Pace>,
    /// How often a blob was given away to its last byte, by digest.
    completed: BTreeMap<String, usize>,
    /// Changes when what is held is let go.
    released: watch::Sender<()>,
}

/// A request as it came in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// `GET` or `HEAD`, mostly.
    pub method: String,
    /// Path and query.
    pub path: String,
    /// The `Authorization` header.
    pub authorization: Option<String>,
    /// The `Range` header.
    pub range: Option<String>,
    /// The `Accept` headers, joined.
    pub accept: String,
    /// The status it got.
    pub status: u16,
}

impl Registry {
    /// Starts an empty registry on a free port of 127.0.0.1.
    pub fn start() -> io::Result<Self> {
        Self::start_with(None)
    }

    /// Starts an empty registry that speaks TLS as `host`, and gives the certificate to trust, as PEM.
    pub fn start_tls(host: &str) -> io::Result<(Self, String)> {
        let (acceptor, certificate) = tls::acceptor(host)?;
        Ok((Self::start_with(Some(acceptor))?, certificate))
    }

    fn start_with(tls: Option<TlsAcceptor>) -> io::Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let listener = runtime.block_on(tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)))?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared::default());
        let (stop, stopped) = oneshot::channel();
        let served = Arc::clone(&shared);
        let thread = std::thread::Builder::new().name("registry".to_owned()).spawn(move || {
            runtime.block_on(async {
                tokio::select! {
                    () = serve::serve(listener, address, served, tls) => {}
                    _ = stopped => {}
                }
            });
        })?;
        Ok(Self { address, shared, stop: Some(stop), thread: Some(thread) })
    }

    /// `127.0.0.1:<port>`.
    pub fn host(&self) -> String {
        self.address.to_string()
    }

    /// The reference of a tag in a repository of this registry.
    pub fn reference(&self, repository: &str, tag: &str) -> String {
        format!("{}/{repository}:{tag}", self.address)
    }

    /// Serves `image` as `repository:tag`, and gives the reference.
    pub fn push(&self, repository: &str, tag: &str, image: &Image) -> String {
        let mut state = self.state();
        for blob in image.blobs() {
            state.blobs.insert(blob.digest.clone(), blob.clone());
        }
        state.tags.insert(format!("{repository}:{tag}"), image.manifest.digest.clone());
        self.reference(repository, tag)
    }

    /// Serves an index over `images` as `repository:tag`, with attestations if `attested`.
    pub fn push_index(&self, repository: &str, tag: &str, images: &[&Image], attested: bool) -> String {
        let (index, more) = index(images, attested);
        let mut state = self.state();
        for blob in images.iter().flat_map(|image| image.blobs()).chain(&more).chain([&index]) {
            state.blobs.insert(blob.digest.clone(), blob.clone());
        }
        state.tags.insert(format!("{repository}:{tag}"), index.digest);
        self.reference(repository, tag)
    }

    /// Serves any bytes as a blob.
    pub fn push_blob(&self, blob: Blob) {
        self.state().blobs.insert(blob.digest.clone(), blob);
    }

    /// Serves any bytes as the manifest `repository:tag`.
    pub fn push_manifest(&self, repository: &str, tag: &str, manifest: Blob) -> String {
        let mut state = self.state();
        state.tags.insert(format!("{repository}:{tag}"), manifest.digest.clone());
        state.blobs.insert(manifest.digest.clone(), manifest);
        self.reference(repository, tag)
    }

    /// Serves `image` under `count` tags of `repository`, which lists them on one page.
    pub fn push_endlessly(&self, repository: &str, image: &Image, count: usize) {
        let mut state = self.state();
        for blob in image.blobs() {
            state.blobs.insert(blob.digest.clone(), blob.clone());
        }
        state.endless.insert(repository.to_owned(), (image.manifest.digest.clone(), count));
    }

    /// Has a tag name nothing any more.
    pub fn delete_tag(&self, repository: &str, tag: &str) {
        self.state().tags.remove(&format!("{repository}:{tag}"));
    }

    /// From now on asks for credentials.
    pub fn require(&self, auth: Auth) {
        self.state().auth = auth;
    }

    /// From now on misbehaves so; of several faults that fit a request the first one acts.
    pub fn fault(&self, fault: Fault) {
        self.state().faults.push(fault);
    }

    /// From now on takes its time: bodies come in so many pieces, with a pause before each.
    pub fn slow_down(&self, pieces: usize, pause: Duration) {
        self.state().pace = Some(reply::Pace { pieces, pause });
    }

    /// How often the blob with this digest was given away to its last byte.
    pub fn completed(&self, digest: &str) -> usize {
        self.state().completed.get(digest).copied().unwrap_or_default()
    }

    /// Behaves again.
    pub fn clear_faults(&self) {
        self.state().faults.clear();
    }

    /// Lets go what [`Misdeed::Hold`] has held until now.
    pub fn release(&self) {
        self.state().released.send_replace(());
    }

    /// Waits until `times` requests with this method have had a path that contains `part`; false if they have not
    /// within `patience`.
    pub fn wait_for(&self, times: usize, method: &str, part: &str, patience: Duration) -> bool {
        let too_few = |state: &mut State| state.count(method, part) < times;
        let waited = self.shared.came.wait_timeout_while(self.state(), patience, too_few);
        !waited.unwrap_or_else(PoisonError::into_inner).1.timed_out()
    }

    /// Every request so far.
    pub fn requests(&self) -> Vec<Request> {
        self.state().requests.clone()
    }

    /// Forgets the requests so far.
    pub fn clear_requests(&self) {
        self.state().requests.clear();
    }

    /// How many requests with this method had a path that contains `part`.
    pub fn count(&self, method: &str, part: &str) -> usize {
        self.state().count(method, part)
    }

    /// How many different blobs were given away to their last byte.
    pub fn completed_blobs(&self) -> usize {
        self.state().completed.len()
    }

    /// How often each blob was asked for, by digest.
    pub fn blob_pulls(&self) -> BTreeMap<String, usize> {
        let mut pulls = BTreeMap::new();
        for request in self.state().requests.iter().filter(|request| request.method == "GET") {
            if let Some((_, digest)) = request.path.rsplit_once("/blobs/") {
                *pulls.entry(digest.to_owned()).or_default() += 1;
            }
        }
        pulls
    }

    /// How often the blobs of `image`'s layers were asked for, lowest layer first.
    pub fn layer_pulls(&self, image: &Image) -> Vec<usize> {
        image.layers.iter().map(|layer| self.count("GET", &layer.blob.digest)).collect()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.shared.lock()
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn count(&self, method: &str, part: &str) -> usize {
        let fits = |request: &&Request| request.method == method && request.path.contains(part);
        self.requests.iter().filter(fits).count()
    }
}

impl Drop for Registry {
    fn drop(&mut self) {
        if let Some(stop) = self.stop.take() {
            let _already_ended = stop.send(());
        }
        if let Some(thread) = self.thread.take() {
            let _panicked = thread.join();
        }
    }
}

#[cfg(test)]
mod tests;
