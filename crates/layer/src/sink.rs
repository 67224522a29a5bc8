//! Where the entries of a layer go.

use std::io::{self, BufRead};

use plimsoll_types::FileEntry;

/// Receives the entries of one layer in the order of its tar.
pub trait EntrySink {
    /// One entry. `kind`, names, owner, mode, times and attributes are set; `sha256`, `content` and
    /// `link_group` are not: whoever reads the content fills them. Whiteouts and opaque markers come decoded;
    /// every hard link comes as [`plimsoll_types::EntryKind::HardLink`] with its cleaned target.
    ///
    /// `body` is the expanded content of a regular file (zeros for the holes of a sparse one) and empty for
    /// everything else; what is left unread is skipped. An error ends the walk and comes back as
    /// [`crate::Error::Sink`]; errors read *from* `body` must be passed on as they are.
    fn entry(&mut self, entry: FileEntry, body: &mut dyn BufRead) -> io::Result<()>;

    /// Two runtimes would apply this layer differently; one sentence. Becomes `ambiguous_layer`.
    fn ambiguity(&mut self, message: String);
}
