//! Jobs in a process of their own, seen from inside it.
//!
//! On standard input and output travel frames: four bytes of length, little endian, then so many bytes. One way go two
//! for each job, the headers (whether the layer is shared, and the trace) as JSON and the job; the other way one, the
//! result. Both ends are the same binary.

use std::collections::BTreeMap;
use std::time::Instant;

use plimsoll_proto::{decode_layer_job, decode_layer_result, encode_layer_job, encode_layer_result};
use plimsoll_telemetry::{extract, inject};
use plimsoll_types::{LayerJob, LayerResult};
use serde::{Deserialize, Serialize};
use tokio::io::{self, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tracing::Instrument as _;

use super::perform;
use crate::Engine;
use crate::registries::Registries;

/// Well over what a queue lets through.
const MAX_FRAME: u32 = 1 << 20;

/// What a child is told besides the job.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Headers {
    shared: bool,
    trace: BTreeMap<String, String>,
}

/// Does the jobs that come on `input` until it ends, also in the middle of one: then nobody waits any more.
pub async fn serve_child(
    engine: &Engine,
    registries: &Registries,
    input: impl AsyncRead + Unpin + Send + 'static,
    mut output: impl AsyncWrite + Unpin,
) -> io::Result<()> {
    let (sender, mut frames) = tokio::sync::mpsc::channel(1);
    let mut reader = tokio::spawn(read_frames(input, sender));
    while let Some(frame) = frames.recv().await {
        let headers: Headers = serde_json::from_slice(&frame).map_err(invalid)?;
        let Some(frame) = frames.recv().await else { break };
        let job = decode_layer_job(&frame).map_err(invalid)?;
        let span = tracing::info_span!("read", layer = %job.digest, attempt = job.attempt);
        extract(&headers.trace).adopt(&span);
        let started = Instant::now();
        let outcome = tokio::select! {
            outcome = perform(engine, registries, &job, headers.shared).instrument(span) => outcome,
            ended = &mut reader => return ended?,
        };
        let result =
            LayerResult { digest: job.digest, attempt: job.attempt, outcome, elapsed: started.elapsed() };
        write_frame(&mut output, &encode_layer_result(&result)).await?;
    }
    Ok(())
}

async fn read_frames(
    mut input: impl AsyncRead + Unpin,
    frames: tokio::sync::mpsc::Sender<Vec<u8>>,
) -> io::Result<()> {
    while let Some(frame) = read_frame(&mut input).await? {
        if frames.send(frame).await.is_err() {
            break;
        }
    }
    Ok(())
}

/// Asks a child for one job.
pub(super) async fn ask(
    job: &LayerJob,
    shared: bool,
    input: &mut (impl AsyncWrite + Unpin),
    output: &mut (impl AsyncRead + Unpin),
) -> io::Result<LayerResult> {
    let mut headers = Headers { shared, trace: BTreeMap::new() };
    inject(&mut headers.trace);
    write_frame(input, &serde_json::to_vec(&headers)?).await?;
    write_frame(input, &encode_layer_job(job)).await?;
    let frame = read_frame(output).await?.ok_or(io::ErrorKind::UnexpectedEof)?;
    decode_layer_result(&frame).map_err(invalid)
}

fn invalid(error: impl std::error::Error + Send + Sync + 'static) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, error)
}

async fn write_frame(output: &mut (impl AsyncWrite + Unpin), bytes: &[u8]) -> io::Result<()> {
    let length = u32::try_from(bytes.len()).map_err(|_| io::ErrorKind::InvalidInput)?;
    output.write_all(&length.to_le_bytes()).await?;
    output.write_all(bytes).await?;
    output.flush().await
}

/// None at a good end: between two frames.
async fn read_frame(input: &mut (impl AsyncRead + Unpin)) -> io::Result<Option<Vec<u8>>> {
    let mut length = [0; 4];
    if input.read(&mut length[..1]).await? == 0 {
        return Ok(None);
    }
    input.read_exact(&mut length[1..]).await?;
    let length = u32::from_le_bytes(length);
    if length > MAX_FRAME {
        return Err(io::Error::new(io::ErrorKind::InvalidData, format!("a frame of {length} bytes")));
    }
    let mut frame = vec![0; length as usize];
    input.read_exact(&mut frame).await?;
    Ok(Some(frame))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn frames_round_trip_and_end_well_only_between_two() {
        let mut bytes = Vec::new();
        write_frame(&mut bytes, b"first").await.unwrap();
        write_frame(&mut bytes, b"").await.unwrap();
        let mut whole = &bytes[..];
        assert_eq!(read_frame(&mut whole).await.unwrap().unwrap(), b"first");
        assert_eq!(read_frame(&mut whole).await.unwrap().unwrap(), b"");
        assert!(read_frame(&mut whole).await.unwrap().is_none());
        let mut cut = &bytes[..6];
        assert!(read_frame(&mut cut).await.is_err());
        let mut endless = &u32::MAX.to_le_bytes()[..];
        assert_eq!(read_frame(&mut endless).await.unwrap_err().kind(), io::ErrorKind::InvalidData);
    }
}
