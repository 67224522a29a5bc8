//! From submit to verdict of images whose layers are known, through the database alone: what state costs per scan.
//!
//! `cargo bench -p plimsoll-state`; with `PLIMSOLL_TEST_POSTGRES` also on that server, in the schema `bench`.

use std::sync::Arc;
use std::time::Instant;

use plimsoll_state::{
    BlobStanding, Fingerprints, KnownLayer, NewVerdict, PlannedBlob, PlannedTarget, ScanPlan, State, connect,
};
use plimsoll_types::report::VerdictStatus;
use plimsoll_types::{Digest, LayerSource, Platform, ScanId, ScanRequest, Tenant};
use sqlx::{Connection, PgConnection};

const SCANS: u32 = 2_000;
const LAYERS: u8 = 10;
const WORKERS: u32 = 8;
const NOW: i64 = 1_700_000_000_000;

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let url = format!("sqlite:{}", directory.path().join("state.db").display());
    run("sqlite", connect(&url).await.expect("the file opens")).await;
    let Ok(url) = std::env::var("PLIMSOLL_TEST_POSTGRES") else {
        println!("skipped: PLIMSOLL_TEST_POSTGRES is not set to the URL of a PostgreSQL server");
        return;
    };
    let mut connection = PgConnection::connect(&url).await.expect("the server answers");
    let sql = "DROP SCHEMA IF EXISTS bench CASCADE; CREATE SCHEMA bench";
    sqlx::raw_sql(sql).execute(&mut connection).await.expect("the schema is made");
    let separator = if url.contains('?') { '&' } else { '?' };
    let url = format!("{url}{separator}options[search_path]=bench");
    run("postgres", connect(&url).await.expect("the schema opens")).await;
}

async fn run(name: &str, state: Arc<dyn State>) {
    let start = Instant::now();
    let workers = (0..WORKERS).map(|worker| {
        let state = Arc::clone(&state);
        tokio::spawn(async move {
            for number in (worker..SCANS).step_by(WORKERS as usize) {
                judge_some(&*state, submit(&*state, number).await, number).await;
            }
        })
    });
    for worker in workers.collect::<Vec<_>>() {
        worker.await.expect("the worker does not panic");
    }
    while !judge_claimed(&*state).await {}
    let seconds = start.elapsed().as_secs_f64();
    println!(
        "{name}: {SCANS} scans of {LAYERS} known layers in {seconds:.2} s, {:.0} a second",
        f64::from(SCANS) / seconds
    );
}

async fn submit(state: &dyn State, number: u32) -> ScanId {
    let request = ScanRequest {
        callback: Some("https://example.com/hook".into()),
        ..ScanRequest::new(Tenant::default(), format!("registry.example/app:{number}"))
    };
    state.submit(&request, NOW).await.expect("it is accepted").id
}

async fn judge_some(state: &dyn State, id: ScanId, number: u32) {
    state.planned(id, &plan(number), NOW).await.expect("the plan is recorded");
    judge_claimed(state).await;
}

/// Judges what is complete; true if nothing was.
async fn judge_claimed(state: &dyn State) -> bool {
    let claimed = state.claim_complete("bench", 60_000, 4, NOW).await.expect("claimed");
    for target in &claimed {
        let verdict = NewVerdict {
            status: VerdictStatus::Pass,
            document: target.manifest,
            policy: None,
            knowledge: None,
            evaluated_at: NOW,
            layers_known: u32::from(LAYERS),
            layers: u32::from(LAYERS),
        };
        assert!(state.judged(target.id, &verdict, NOW).await.expect("it is judged"));
    }
    claimed.is_empty()
}

fn plan(number: u32) -> ScanPlan {
    let mut manifest = [1; 32];
    manifest[..4].copy_from_slice(&number.to_be_bytes());
    let source = LayerSource {
        registry: "registry.example".into(),
        repository: "app".into(),
        tenant: String::new(),
        credential: None,
        plain_http: false,
    };
    let target = PlannedTarget {
        platform: Platform::new("linux", "amd64", None),
        manifest: Digest::from_bytes(manifest),
        config: Digest::from_bytes(manifest),
        blind_spots: Vec::new(),
        layers: (0..LAYERS).map(known).collect(),
    };
    ScanPlan { index: None, source, targets: vec![target] }
}

fn known(layer: u8) -> PlannedBlob {
    let digest = Digest::from_bytes([layer; 32]);
    let fingerprints = Fingerprints { index: digest, packages: digest };
    PlannedBlob {
        digest,
        size: 1_000_000,
        media_type: "application/vnd.oci.image.layer.v1.tar+gzip".into(),
        diff_id: digest,
        standing: BlobStanding::Known(KnownLayer {
            diff_id: digest,
            uncompressed_size: 5_000_000,
            fingerprints,
        }),
    }
}
