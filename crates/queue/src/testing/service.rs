//! What the suite needs of a backend.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use super::LONG_LEASE;
use crate::{Error, Queue};

type Future<T> = Pin<Box<dyn std::future::Future<Output = T> + Send>>;

/// Opens a handle with leases of a certain length.
type Connect = dyn Fn(Duration) -> Future<Result<Arc<dyn Queue>, Error>> + Send + Sync;

/// One set of queues, which no other test uses, and how to get at it.
pub struct Service {
    connect: Box<Connect>,
    clean_up: Option<Box<dyn Fn() -> Future<()> + Send + Sync>>,
    restart: Result<String, String>,
}

impl Service {
    /// `connect` opens another handle on the same queues, with leases of the length given where they have a clock.
    pub fn new<C, F>(connect: C) -> Self
    where
        C: Fn(Duration) -> F + Send + Sync + 'static,
        F: std::future::Future<Output = Result<Arc<dyn Queue>, Error>> + Send + 'static,
    {
        Self {
            connect: Box::new(move |lease| Box::pin(connect(lease))),
            clean_up: None,
            restart: Err("there is no broker to restart".to_owned()),
        }
    }

    /// What removes the queues at the end.
    pub fn with_clean_up<C, F>(mut self, clean_up: C) -> Self
    where
        C: Fn() -> F + Send + Sync + 'static,
        F: std::future::Future<Output = ()> + Send + 'static,
    {
        self.clean_up = Some(Box::new(move || Box::pin(clean_up())));
        self
    }

    /// The shell command that restarts the broker and returns when it is up, or why there is none.
    pub fn with_restart(mut self, restart: Result<String, String>) -> Self {
        self.restart = restart;
        self
    }

    pub(super) fn restart(&self) -> Result<&str, &str> {
        self.restart.as_deref().map_err(String::as_str)
    }

    pub(super) async fn connect(&self) -> Arc<dyn Queue> {
        self.connect_with(LONG_LEASE).await
    }

    pub(super) async fn connect_with(&self, lease: Duration) -> Arc<dyn Queue> {
        (self.connect)(lease).await.expect("the service can be reached")
    }
}

/// Runs one promise against a service, and cleans up whether it was kept or not. Says so if there is no service.
pub async fn run<P, F>(service: Result<Service, String>, promise: P)
where
    P: FnOnce(Arc<Service>) -> F,
    F: std::future::Future<Output = ()> + Send + 'static,
{
    let service = match service {
        Ok(service) => Arc::new(service),
        Err(why) => return println!("skipped: {why}"),
    };
    let kept = tokio::spawn(promise(Arc::clone(&service))).await;
    if let Some(clean_up) = &service.clean_up {
        clean_up().await;
    }
    if let Err(broken) = kept {
        std::panic::resume_unwind(broken.into_panic());
    }
}
