//! An analyzer that does harm on purpose, so that tests can show what it does harm to. It is there only if the feature
//! `poison` is on.

use crate::{Analyzer, Content, FileMeta, Interest, ReadError, Scratch};
use plimsoll_types::Section;

use crate::suffix::ends_with;

/// How much it takes at once.
const BITE: usize = 64 << 20;

/// Upon files in a directory `plimsoll-poison` it aborts the process (`abort`), allocates without end (`allocate`) or goes on
/// for ever (`hang`).
pub(crate) struct Poison;

/// The harm a file does.
#[derive(Clone, Copy)]
enum Harm {
    Abort,
    Allocate,
    Hang,
}

const FILES: &[(&[u8], Harm)] = &[
    (b"plimsoll-poison/abort", Harm::Abort),
    (b"plimsoll-poison/allocate", Harm::Allocate),
    (b"plimsoll-poison/hang", Harm::Hang),
];

impl Harm {
    fn of(file: &FileMeta<'_>) -> Option<Self> {
        let (_, harm) = FILES.iter().find(|(name, _)| ends_with(file.path.as_bytes(), name))?;
        Some(*harm)
    }
}

impl Analyzer for Poison {
    fn id(&self) -> &'static str {
        "poison/file"
    }

    fn version(&self) -> u32 {
        1
    }

    fn wants(&self, file: &FileMeta<'_>) -> Interest {
        if Harm::of(file).is_some() { Interest::Head(1) } else { Interest::None }
    }

    fn read(
        &self,
        file: &FileMeta<'_>,
        _: &mut Content<'_>,
        _: &mut Section,
        _: &mut Scratch,
    ) -> Result<(), ReadError> {
        match Harm::of(file) {
            Some(Harm::Abort) => std::process::abort(),
            Some(Harm::Allocate) => allocate(),
            Some(Harm::Hang) => loop {
                std::thread::park();
            },
            None => Ok(()),
        }
    }
}

fn allocate() -> ! {
    let mut hoard: Vec<Vec<u8>> = Vec::new();
    loop {
        // Address space is what is limited; nothing is gained by filling it.
        hoard.push(std::hint::black_box(Vec::with_capacity(BITE)));
    }
}
