//! `docker-registry`, the program, on a free port of loopback.

use std::io;
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant, SystemTime};

/// The longest it may take to listen.
const PATIENCE: Duration = Duration::from_secs(30);

/// A registry; ends when dropped.
pub struct DockerRegistry {
    process: Child,
    host: String,
    storage: PathBuf,
}

/// Where its notifications are posted, and with which `Authorization` header.
#[derive(Clone, Debug)]
pub struct Notified {
    /// The URL.
    pub url: String,
    /// The header.
    pub authorization: String,
}

/// A host on which a registry can be started: its port is free.
pub fn free_host() -> io::Result<String> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.to_string())
}

impl DockerRegistry {
    /// Starts one on `host` that keeps everything in `directory`, and tells of pushes if somebody is to be told.
    pub fn start(directory: &Path, host: &str, notified: Option<&Notified>) -> io::Result<Self> {
        let (config, storage) = (directory.join("registry.yml"), directory.join("registry"));
        let mut text = format!(
            "version: 0.1\nlog: {{level: error, accesslog: {{disabled: true}}}}\n\
             storage: {{filesystem: {{rootdirectory: {}}}, delete: {{enabled: true}}}}\nhttp: {{addr: \"{host}\"}}\n",
            storage.display()
        );
        if let Some(Notified { url, authorization }) = notified {
            let notifications = format!(
                "notifications:\n  endpoints:\n    - {{name: tests, url: \"{url}\", timeout: 10s, threshold: 3, \
                 backoff: 200ms, headers: {{Authorization: [\"{authorization}\"]}}}}\n"
            );
            text.push_str(&notifications);
        }
        std::fs::write(&config, text)?;
        let mut command = Command::new("docker-registry");
        command.arg("serve").arg(config).stdout(Stdio::null()).stderr(Stdio::null());
        let started = Self { process: command.spawn()?, host: host.to_owned(), storage };
        let deadline = Instant::now() + PATIENCE;
        while TcpStream::connect(&started.host).is_err() {
            if Instant::now() > deadline {
                return Err(io::Error::other("docker-registry does not listen"));
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(started)
    }

    /// `127.0.0.1:<port>`.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// When a tag was last made to name something.
    pub fn tagged_at(&self, repository: &str, tag: &str) -> io::Result<SystemTime> {
        let repositories = self.storage.join("docker/registry/v2/repositories");
        let link = repositories.join(repository).join("_manifests/tags").join(tag).join("current/link");
        std::fs::metadata(link)?.modified()
    }
}

impl Drop for DockerRegistry {
    fn drop(&mut self) {
        let _already_ended = self.process.kill();
        let _status = self.process.wait();
    }
}
