//! What bears no mark and is old goes: links before the evidence they point at, documents last.

use std::time::{Instant, SystemTime};

use futures_util::stream::{self, StreamExt, TryStreamExt};
use plimsoll_store::{Key, Prefix};

use super::marks::Sorted;
use super::{Gc, Summary};
use crate::Error;

/// Keys asked for at once.
const PAGE: usize = 1_000;

/// What became of an object without a mark.
enum Fate {
    Young,
    Deleted {
        bytes: u64,
    },
    /// Somebody else deleted it.
    Gone,
}

/// Goes through the whole store once.
pub(super) async fn sweep(
    gc: &Gc,
    mut marks: Sorted,
    began: Instant,
    now: SystemTime,
    summary: &mut Summary,
) -> Result<(), Error> {
    let mut after: Option<Key> = None;
    loop {
        // Marks are as old as the run. Long before a thing could grow old under them, they are made anew.
        if began.elapsed() > gc.config.grace / 4 {
            tracing::warn!("the marks are too old to go on by them; run this again");
            summary.ended_early = true;
            return Ok(());
        }
        let page = gc.store.list(&Prefix::All, after.as_ref(), PAGE).await?;
        let is_last = page.len() < PAGE;
        after = page.last().cloned();
        let mut unmarked = Vec::new();
        for key in page {
            if marks.has(&key).map_err(Error::Temporary)? {
                summary.of_mut(&key).needed += 1;
            } else {
                unmarked.push(key);
            }
        }
        collect(gc, unmarked, now, summary).await?;
        if is_last {
            return Ok(());
        }
    }
}

async fn collect(gc: &Gc, keys: Vec<Key>, now: SystemTime, summary: &mut Summary) -> Result<(), Error> {
    let settle = |key: Key| async move {
        let fate = fate(gc, &key, now).await?;
        Ok::<_, Error>((key, fate))
    };
    let mut settled = stream::iter(keys).map(settle).buffer_unordered(gc.config.at_once.max(1));
    while let Some((key, fate)) = settled.try_next().await? {
        let counts = summary.of_mut(&key);
        match fate {
            Fate::Young => counts.young += 1,
            Fate::Deleted { bytes } => {
                tracing::debug!(%key, bytes, dry_run = gc.config.dry_run, "garbage");
                counts.deleted += 1;
                counts.bytes = counts.bytes.saturating_add(bytes);
            }
            Fate::Gone => {}
        }
    }
    Ok(())
}

async fn fate(gc: &Gc, key: &Key, now: SystemTime) -> Result<Fate, Error> {
    // Its age is asked for at the last moment: somebody may have come to rely on it since.
    let Some(meta) = gc.store.head(key).await? else { return Ok(Fate::Gone) };
    // What is from the future, by a clock that is ahead, is young.
    let age = now.duration_since(meta.modified).unwrap_or_default();
    if age <= gc.config.grace {
        return Ok(Fate::Young);
    }
    if !gc.config.dry_run && !gc.store.delete(key).await? {
        return Ok(Fate::Gone);
    }
    Ok(Fate::Deleted { bytes: meta.size })
}
