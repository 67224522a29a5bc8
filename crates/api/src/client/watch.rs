//! Following a scan to its end, over as many streams as it takes.

use plimsoll_proto::v1;
use plimsoll_proto::v1::watch_scan_response::Change;

use super::retry::{ATTEMPTS, Pauses};
use super::{Client, Error};

impl Client {
    /// Follows a scan until it has ended, and gives it as it is then. `seen` is called with the scan whenever it changed,
    /// and once at the start. A stream that breaks is opened again; only a server that stays away ends this with
    /// an error. Dropping the future cancels nothing.
    pub async fn watch(&self, id: &str, mut seen: impl FnMut(&v1::Scan, Change)) -> Result<v1::Scan, Error> {
        let mut pauses = Pauses::new(ATTEMPTS);
        loop {
            let mut told = false;
            let result = self.watch_once(id, |scan, change| {
                told = true;
                seen(scan, change);
            });
            let error = match result.await {
                Ok(Some(scan)) => return Ok(scan),
                Ok(None) => {
                    Error::Unreachable { server: self.server.clone(), why: "the stream ended early".into() }
                }
                Err(error) => error,
            };
            if told {
                pauses = Pauses::new(ATTEMPTS);
            }
            match pauses.next(&error) {
                Some(pause) => tokio::time::sleep(pause).await,
                None => return Err(error),
            }
        }
    }

    /// One stream: the scan that ended, or none if the stream did.
    async fn watch_once(
        &self,
        id: &str,
        mut seen: impl FnMut(&v1::Scan, Change),
    ) -> Result<Option<v1::Scan>, Error> {
        let failed = |status: tonic::Status| Error::of(&self.server, &status);
        let request = v1::WatchScanRequest { id: id.to_owned() };
        let mut stream = self.scans.clone().watch_scan(request).await.map_err(failed)?.into_inner();
        while let Some(message) = stream.message().await.map_err(failed)? {
            let change = message.change();
            let Some(scan) = message.scan else { continue };
            seen(&scan, change);
            if change == Change::Ended {
                return Ok(Some(scan));
            }
        }
        Ok(None)
    }
}
