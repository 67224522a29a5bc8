//! The images a scan is about.

use plimsoll_oci::Source;
use plimsoll_state::{BlobStanding, PlannedBlob, PlannedTarget};
use plimsoll_types::{Platform, ScanRequest};

use crate::resolve::{self, Pinned, Resolved, is_encrypted};
use crate::{Engine, Error};

/// Platforms of one scan, at most. As many as a callback tells of.
const MAX_PLATFORMS: usize = 128;

/// The images a request is about, one for each platform.
pub(super) async fn targets(
    engine: &Engine,
    source: &dyn Source,
    pinned: &Pinned,
    request: &ScanRequest,
) -> Result<Vec<PlannedTarget>, Error> {
    let mut wanted = request.platforms.clone();
    if wanted.is_empty() {
        wanted = pinned.platforms();
        if wanted.len() > MAX_PLATFORMS {
            return Err(Error::Platforms { found: wanted.len(), most: MAX_PLATFORMS });
        }
    }
    let mut targets = Vec::new();
    if pinned.index().is_none() {
        // An image without an index has one platform; another one that was asked for by name is not there.
        let image = resolve::image(engine, source, pinned, &Platform::host_linux()).await?;
        for platform in &wanted {
            image.must_be_for(platform)?;
        }
        targets.push(target(&image));
    } else {
        for platform in &wanted {
            targets.push(target(&resolve::image(engine, source, pinned, platform).await?));
        }
    }
    targets.dedup_by(|b, a| a.manifest == b.manifest);
    Ok(targets)
}

fn target(image: &Resolved) -> PlannedTarget {
    let blobs =
        image.manifest.layers.iter().zip(&image.config.diff_ids).map(|(layer, diff_id)| PlannedBlob {
            digest: layer.digest,
            size: layer.size,
            media_type: layer.media_type.clone(),
            diff_id: *diff_id,
            standing: if is_encrypted(layer) { BlobStanding::Unreadable } else { BlobStanding::Wanted },
        });
    PlannedTarget {
        platform: image.platform.clone(),
        manifest: image.digest,
        config: image.manifest.config.digest,
        blind_spots: image.blind_spots.clone(),
        layers: blobs.collect(),
    }
}
