//! The commands that ask a server, run as a user runs them: exit codes, standard output, one line on standard error.

use std::process::Output;
use std::sync::Arc;

use plimsoll_api::{Access, Config, Parts, Server};
use plimsoll_state::{
    Bell, BlobStanding, Fingerprints, KnownLayer, NewVerdict, PlannedBlob, PlannedTarget, ScanPlan, State,
};
use plimsoll_store::{Body, Key, MemoryStore, Store};
use plimsoll_types::report::VerdictStatus;
use plimsoll_types::{Digest, LayerSource, Platform, Tenant};

struct Running {
    parts: Parts,
    url: String,
    state_url: String,
    directory: tempfile::TempDir,
    task: tokio::task::JoinHandle<Result<(), plimsoll_api::Error>>,
}

impl Drop for Running {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn start(access: Access) -> Running {
    let directory = tempfile::tempdir().expect("a directory");
    let state_url = format!("sqlite:{}", directory.path().join("state.db").display());
    let state: Arc<dyn State> = plimsoll_state::connect(&state_url).await.expect("a state");
    let store: Arc<dyn Store> = Arc::new(MemoryStore::default());
    let parts = Parts::new(state, store);
    let config = Config { access, ..Config::new(([127, 0, 0, 1], 0).into()) };
    let server = Server::bind(config, parts.clone()).await.expect("it listens");
    let url = format!("http://{}", server.grpc_address().expect("an address"));
    let task = tokio::spawn(server.run(std::future::pending()));
    Running { parts, url, state_url, directory, task }
}

async fn open() -> Running {
    start(Access::Open(Tenant::default())).await
}

/// Runs the program with `arguments`, and with `variables` as its whole environment.
async fn run(arguments: &[&str], variables: &[(&str, &str)]) -> Output {
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_plimsoll"));
    command.args(arguments).env_clear().envs(variables.iter().copied());
    let output = tokio::task::spawn_blocking(move || command.output()).await;
    output.expect("no panic").expect("it runs")
}

impl Running {
    async fn ask(&self, arguments: &[&str]) -> Output {
        run(arguments, &[("PLIMSOLL_SERVER", &self.url)]).await
    }

    /// Judges the one scan that waits, as an image of one platform whose layer is known.
    async fn judge(&self, status: VerdictStatus) {
        let state = &self.parts.state;
        let claimed = state.claim_submitted("test", 60_000, 1, now()).await.expect("a claim");
        let digest = Digest::from_bytes([7; 32]);
        let fingerprints = Fingerprints { index: digest, packages: digest };
        let layer = PlannedBlob {
            digest,
            size: 7,
            media_type: "application/vnd.oci.image.layer.v1.tar".into(),
            diff_id: digest,
            standing: BlobStanding::Known(KnownLayer { diff_id: digest, uncompressed_size: 9, fingerprints }),
        };
        let target = PlannedTarget {
            platform: Platform::new("linux", "amd64", None),
            manifest: digest,
            config: digest,
            blind_spots: Vec::new(),
            layers: vec![layer],
        };
        let source = LayerSource {
            registry: "registry.example".into(),
            repository: "app".into(),
            tenant: String::new(),
            credential: None,
            plain_http: false,
        };
        let plan = ScanPlan { index: None, source, targets: vec![target] };
        state.planned(claimed[0].id, &plan, now()).await.expect("a plan");
        let complete = state.claim_complete("test", 60_000, 1, now()).await.expect("a claim");
        let body = Body::from(r#"{"schema":"plimsoll.report/v1"}"#);
        self.parts.store.put_if_absent(&Key::Verdict(digest), body).await.expect("it is stored");
        let verdict = NewVerdict {
            status,
            document: digest,
            policy: None,
            knowledge: None,
            evaluated_at: now(),
            layers_known: 1,
            layers: 1,
        };
        assert!(state.judged(complete[0].id, &verdict, now()).await.expect("it is judged"));
    }
}

fn now() -> i64 {
    jiff::Timestamp::now().as_millisecond()
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).expect("text")
}

/// Standard error, which is one line.
fn one_line(output: &Output) -> String {
    let text = String::from_utf8(output.stderr.clone()).expect("text");
    assert_eq!(text.lines().count(), 1, "one line on standard error: {text}");
    assert!(text.starts_with("plimsoll: "), "{text}");
    text
}

fn code(output: &Output) -> i32 {
    output.status.code().unwrap_or(-1)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn submit_prints_the_id_and_status_says_how_far_it_is() {
    let server = open().await;
    let submitted = server.ask(&["submit", "--label", "team=a", "--deadline", "5m", "app:1"]).await;
    assert_eq!((code(&submitted), submitted.stderr.len()), (0, 0), "{submitted:?}");
    let id = stdout(&submitted).trim().to_owned();

    let status = server.ask(&["status", &id]).await;
    assert_eq!(code(&status), 3, "no verdict is no pass");
    assert!(one_line(&status).contains("not judged yet: submitted"), "{status:?}");
    let list = stdout(&server.ask(&["status", "--label", "team=a"]).await);
    assert!(list.contains(&id) && list.contains("docker.io/library/app:1"), "{list}");
    assert_eq!(stdout(&server.ask(&["status", "--label", "team=b"]).await), "");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn waiting_ends_with_the_exit_code_of_the_verdict() {
    for (status, expected) in [
        (VerdictStatus::Pass, 0),
        (VerdictStatus::Fail, 1),
        (VerdictStatus::Warn, 2),
        (VerdictStatus::NotJudged, 3),
    ] {
        let server = open().await;
        let mut submitted = server.parts.state.listen(Bell::Submitted);
        let waiting = server.ask(&["submit", "--wait", "--quiet", "app:1"]);
        let judging = async {
            submitted.rung().await;
            server.judge(status).await;
        };
        let (output, ()) = tokio::join!(waiting, judging);
        assert_eq!((code(&output), output.stderr.len()), (expected, 0), "{output:?}");
        let line = stdout(&output);
        assert!(
            line.starts_with(status.as_str()) && line.contains("docker.io/library/app@sha256:0707"),
            "{line}"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_verdict_is_told_by_reference_digest_and_document() {
    let server = open().await;
    server.ask(&["submit", "app:1"]).await;
    let none = server.ask(&["verdict", "app:1"]).await;
    assert_eq!((code(&none), stdout(&none).as_str()), (3, ""));
    assert!(one_line(&none).contains("plimsoll submit --wait docker.io/library/app:1"), "{none:?}");

    server.judge(VerdictStatus::Warn).await;
    let digest = Digest::from_bytes([7; 32]).to_string();
    for image in ["app:1", digest.as_str()] {
        let output = server.ask(&["verdict", image]).await;
        assert_eq!(code(&output), 2, "{output:?}");
        assert!(stdout(&output).starts_with("warn "), "{output:?}");
    }
    let changed = server.ask(&["verdict", "--warn-exit-code", "0", "--json", "app:1"]).await;
    let expected = "{\"schema\":\"plimsoll.report/v1\"}\n".to_owned();
    assert_eq!((code(&changed), stdout(&changed)), (0, expected), "the document as it is stored");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cancelled_scan_is_not_judged_and_says_so() {
    let server = open().await;
    let id = stdout(&server.ask(&["submit", "app:1"]).await).trim().to_owned();
    assert_eq!(code(&server.ask(&["cancel", &id]).await), 0);
    let watched = server.ask(&["watch", &id]).await;
    assert_eq!(code(&watched), 3);
    assert!(one_line(&watched).contains("cancelled"), "{watched:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tokens_are_made_used_and_revoked() {
    let server = start(Access::Tokens).await;
    let refused = server.ask(&["status"]).await;
    assert_eq!(code(&refused), 3);
    assert!(one_line(&refused).contains("plimsoll token create"), "{refused:?}");

    let state = ("PLIMSOLL_STATE", server.state_url.as_str());
    let made =
        run(&["token", "create", "--role", "submit", "--tenant", "a", "--label", "ci"], &[state]).await;
    assert_eq!(code(&made), 0, "{made:?}");
    let token = stdout(&made).trim().to_owned();
    let file = server.directory.path().join("token");
    std::fs::write(&file, format!("{token}\n")).expect("it is written");
    let file = file.display().to_string();
    let by_file = server.ask(&["submit", "--token-file", &file, "app:1"]).await;
    assert_eq!(code(&by_file), 0, "{by_file:?}");
    let with = [("PLIMSOLL_SERVER", server.url.as_str()), ("PLIMSOLL_TOKEN", token.as_str())];
    assert_eq!(stdout(&run(&["status"], &with).await).lines().count(), 1);

    let list = stdout(&run(&["token", "list"], &[state]).await);
    assert!(list.contains("submit") && list.contains("ci") && !list.contains(&token), "{list}");
    let id = list.split_whitespace().next().expect("an id").to_owned();
    assert_eq!(code(&run(&["token", "revoke", &id], &[state]).await), 0);
    assert!(one_line(&run(&["status"], &with).await).contains("revoked"));
    assert_eq!(code(&run(&["token", "revoke", "0000"], &[state]).await), 3, "there is no such token");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn callbacks_are_listed_and_made_due_again() {
    let server = open().await;
    let submit = &["submit", "--callback", "https://ci.example/hook?token=secret", "app:1"];
    let id = stdout(&server.ask(submit).await).trim().to_owned();
    let state = [("PLIMSOLL_STATE", server.state_url.as_str())];
    let early = run(&["redeliver", &id], &state).await;
    assert_eq!(code(&early), 3);
    assert!(one_line(&early).contains("owes no delivery"), "{early:?}");

    server.judge(VerdictStatus::Pass).await;
    let pending = stdout(&run(&["deliveries"], &state).await);
    assert!(pending.starts_with(&format!("{id}  pending     0  ")), "{pending}");
    assert!(pending.contains("https://ci.example/hook") && !pending.contains("secret"), "{pending}");
    assert_eq!(stdout(&run(&["deliveries", "--dead"], &state).await), "");

    let deliveries = &server.parts.state;
    let scan = id.parse().expect("an id");
    deliveries.claim_deliveries("test", 60_000, 1, now()).await.expect("a claim");
    assert!(
        deliveries.dead(scan, "test", "ci.example answered 410 Gone", now()).await.expect("it is given up")
    );
    let dead = stdout(&run(&["deliveries", "--dead"], &state).await);
    assert!(dead.starts_with(&format!("{id}  dead        1  ")) && dead.contains("410 Gone"), "{dead}");
    assert_eq!(code(&run(&["redeliver", &id, "--tenant", "b"], &state).await), 3, "it is not this tenant's");
    assert_eq!(code(&run(&["redeliver", &id], &state).await), 0);
    let due = deliveries.claim_deliveries("test", 60_000, 1, now()).await.expect("a claim");
    assert_eq!(due.iter().map(|one| (one.scan, one.attempts)).collect::<Vec<_>>(), [(scan, 0)]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_makes_no_sense_is_usage_and_what_cannot_be_reached_is_not() {
    let server = open().await;
    for usage in [
        &["submit", "oci:/images/app"][..],
        &["submit", "--deadline", "soon", "app"],
        &["submit", "--label", "team", "app"],
        &["submit", "--lane", "fast", "app"],
        &["status", "7"],
        &["verdict", "sha256:7"],
        &["submit", "--callback", "ftp://ci.example", "app"],
        &["status", "--server", "ftp://plimsoll.example"],
    ] {
        let output = server.ask(usage).await;
        assert_eq!(code(&output), 64, "{usage:?}: {output:?}");
    }
    let with = [("PLIMSOLL_TOKEN", "t"), ("PLIMSOLL_SERVER", "http://plimsoll.example:7465")];
    let clear = run(&["status"], &with).await;
    assert_eq!(code(&clear), 64);
    assert!(one_line(&clear).contains("--token-in-the-clear"), "{clear:?}");
    let url = server.url.clone();
    drop(server);
    let away = run(&["status", "--server", &url], &[]).await;
    assert_eq!(code(&away), 3, "{away:?}");
    assert!(one_line(&away).contains(&format!("cannot reach {url}")), "{away:?}");
}
