//! A fleet of one process, its client, and what it costs.

use std::io::{BufRead as _, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use plimsoll_api::client::{Client, Options, messages as v1};
use plimsoll_store::Key;
use plimsoll_types::Digest;
use serde_json::Value;
use tempfile::TempDir;

use crate::processor;
use crate::wait_for;

/// Layers read at the same time.
pub(crate) const SLOTS: usize = 2;

/// A process that runs, or can be started again, and a runtime to ask it from.
pub(crate) struct Fleet {
    directory: TempDir,
    binary: PathBuf,
    process: Option<Child>,
    server: String,
    runtime: tokio::runtime::Runtime,
    /// Processor time of those that were killed.
    spent: Duration,
}

impl Fleet {
    pub(crate) fn start() -> Self {
        let mut fleet = Self {
            directory: tempfile::tempdir().expect("a temporary directory"),
            binary: plimsoll_tests::binary::plimsoll().expect("the binary to test"),
            process: None,
            server: String::new(),
            runtime: tokio::runtime::Runtime::new().expect("a runtime"),
            spent: Duration::ZERO,
        };
        let feed = plimsoll_tests::feed::write(fleet.directory.path()).expect("a feed");
        let built = Command::new(&fleet.binary)
            .args(["db", "build", "--out"])
            .args([&fleet.directory.path().join("known.db"), &feed])
            .output();
        assert!(built.expect("plimsoll runs").status.success());
        fleet.launch();
        fleet
    }

    /// Starts the process, and waits until it listens.
    pub(crate) fn launch(&mut self) {
        let directory = self.directory.path();
        let mut command = Command::new(&self.binary);
        command.env_clear().env("HOME", directory).env("PATH", std::env::var_os("PATH").unwrap_or_default());
        command.args(["serve", "--open-access", "--listen", "127.0.0.1:0", "--http", "127.0.0.1:0"]);
        command.args(["--allow-network", "127.0.0.0/8", "--slots", &SLOTS.to_string()]);
        command.args(["--crawl-rate", "2000"]);
        command.arg("--data").arg(directory.join("data")).arg("--db").arg(directory.join("known.db"));
        command.env("PLIMSOLL_LOG_FORMAT", "json").stdin(Stdio::null()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("plimsoll runs");
        self.server = format!("http://{}", listening(&mut child));
        self.process = Some(child);
    }

    /// Kills the process as a power cut would.
    pub(crate) fn kill(&mut self) {
        let Some(mut process) = self.process.take() else { return };
        self.spent += processor::time(&[process.id()]).unwrap_or_default();
        process.kill().expect("a process to kill");
        process.wait().expect("a process to wait for");
    }

    /// Processor time so far, of those that were killed too.
    pub(crate) fn processor_time(&self) -> Duration {
        let now = self.process.as_ref().map(|process| processor::time(&[process.id()]).unwrap_or_default());
        self.spent + now.unwrap_or_default()
    }

    /// The most memory the process has had, in bytes; its children read layers and have limits of their own.
    pub(crate) fn memory(&self) -> u64 {
        let id = self.process.as_ref().expect("it runs").id();
        let peaks = processor::peaks(id).expect("processes to look at");
        peaks.get(&id).copied().expect("it is among them") * 1024
    }

    /// Starts a crawl: its id.
    pub(crate) fn crawl(&self, registry: &str, filter: v1::CrawlFilter, plan_only: bool) -> String {
        let request = v1::StartCrawlRequest {
            registry: registry.to_owned(),
            filter: Some(filter),
            plan_only,
            ..Default::default()
        };
        self.asks(&async |client: &Client| client.start_crawl(request.clone()).await).id
    }

    /// How far a crawl is.
    pub(crate) fn look(&self, id: &str) -> v1::Crawl {
        self.asks(&async |client: &Client| client.crawl(id).await)
    }

    /// Submits a scan by hand: its id.
    pub(crate) fn submit(&self, reference: &str) -> String {
        let request = v1::SubmitScanRequest { reference: reference.to_owned(), ..Default::default() };
        self.asks(&async |client: &Client| client.submit(request.clone()).await).scan.unwrap_or_default().id
    }

    /// All scans there are.
    pub(crate) fn scans(&self) -> Vec<v1::Scan> {
        let (mut scans, mut page_token) = (Vec::new(), String::new());
        loop {
            let request = v1::ListScansRequest { page_size: 500, page_token, ..Default::default() };
            let page = self.asks(&async |client: &Client| client.list(request.clone()).await);
            scans.extend(page.scans);
            page_token = page.next_page_token;
            if page_token.is_empty() {
                return scans;
            }
        }
    }

    /// What the tags of a repository named.
    pub(crate) fn history(&self, repository: &str) -> Vec<v1::TagSpan> {
        let request = v1::ListTagHistoryRequest {
            repository: repository.to_owned(),
            page_size: 500,
            ..Default::default()
        };
        self.asks(&async |client: &Client| client.history(request.clone()).await).spans
    }

    /// Waits until everything was looked at, and every scan has ended.
    #[track_caller]
    pub(crate) fn ends(&self, id: &str, patience: Duration) -> v1::Crawl {
        wait_for(&format!("the end of crawl {id}"), patience, || {
            let crawl = self.look(id);
            let open = |scan: &v1::ScanCount| {
                matches!(scan.state(), v1::ScanState::Submitted | v1::ScanState::Analyzing)
            };
            let ended = crawl.state() != v1::CrawlState::Running
                && !crawl.progress.iter().flat_map(|progress| &progress.scans).any(open);
            ended.then_some(crawl)
        })
    }

    /// Whether evidence of a blob is in the store.
    pub(crate) fn has_evidence(&self, blobs: &[Digest]) -> Vec<bool> {
        let place = self.directory.path().join("data").join("store").display().to_string();
        self.runtime.block_on(async {
            let store = plimsoll_store::open(&place).await.expect("the store opens");
            let mut there = Vec::with_capacity(blobs.len());
            for blob in blobs {
                there.push(store.head(&Key::BlobLink(*blob)).await.expect("the store answers").is_some());
            }
            there
        })
    }

    fn asks<T>(&self, ask: &impl AsyncFn(&Client) -> Result<T, plimsoll_api::client::Error>) -> T {
        self.runtime.block_on(async {
            let client = Client::new(Options::new(&self.server)).expect("a client");
            ask(&client).await.expect("the server answers")
        })
    }
}

impl Drop for Fleet {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Waits until a process says where it listens, and reads its log to the end.
fn listening(process: &mut Child) -> String {
    let log = BufReader::new(process.stderr.take().expect("a pipe"));
    let (sender, addresses) = mpsc::channel();
    std::thread::spawn(move || {
        for line in log.lines().map_while(Result::ok) {
            if std::env::var_os("CRAWL_LOG").is_some() {
                eprintln!("{line}");
            }
            let line: Value = serde_json::from_str(&line).unwrap_or_default();
            if line["message"] == "listening" {
                let text = line["grpc"].as_str().unwrap_or_default();
                let _gone = sender.send(text.trim_start_matches("Some(").trim_end_matches(')').to_owned());
            }
        }
    });
    addresses.recv_timeout(Duration::from_secs(120)).expect("the process listens")
}
