//! How a registry can misbehave.

/// Which requests go wrong, how often, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Requests whose path contains this.
    pub path: String,
    /// So many of them, then no more; `None` for all.
    pub times: Option<u32>,
    /// What happens to them.
    pub misdeed: Misdeed,
}

/// One way to misbehave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Misdeed {
    /// The connection breaks after so many bytes of the body.
    CutAfter(usize),
    /// After so many bytes of the body nothing more comes, until [`super::Registry::release`].
    Hold(usize),
    /// A status without a body.
    Status(u16),
    /// 429, with `Retry-After` in seconds if given.
    TooManyRequests(Option<u64>),
    /// A redirect to this host, path and query kept.
    RedirectTo(String),
    /// The first byte is another one.
    WrongBytes,
    /// The body goes on with so many zeros, also in its length.
    Longer(usize),
    /// The range asked for is ignored: the whole body comes, with 200.
    NoRanges,
}

impl Fault {
    /// A misdeed on every request whose path contains `path`.
    pub fn always(path: &str, misdeed: Misdeed) -> Self {
        Self { path: path.to_owned(), times: None, misdeed }
    }

    /// A misdeed on the first `times` requests whose path contains `path`.
    pub fn times(times: u32, path: &str, misdeed: Misdeed) -> Self {
        Self { path: path.to_owned(), times: Some(times), misdeed }
    }

    /// What to do to this request, and one time less of it.
    pub(super) fn strike(&mut self, path: &str) -> Option<Misdeed> {
        if !path.contains(&self.path) || self.times == Some(0) {
            return None;
        }
        if let Some(times) = &mut self.times {
            *times -= 1;
        }
        Some(self.misdeed.clone())
    }
}
