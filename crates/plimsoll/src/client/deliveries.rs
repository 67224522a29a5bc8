//! `plimsoll deliveries` and `plimsoll redeliver`: what is owed to those who asked to be told. They work on the state itself,
//! as `plimsoll token` does: they are for whoever runs the fleet.

use std::process::ExitCode;

use jiff::Timestamp;
use plimsoll_http::Url;
use plimsoll_state::{Delivery, DeliveryState};

use super::args::{DeliveriesArgs, RedeliverArgs};
use super::{Trouble, show, token};

pub(super) async fn list(arguments: DeliveriesArgs) -> Result<ExitCode, Trouble> {
    let state = token::connect(&arguments.state).await?;
    let wanted = arguments.dead.then_some(DeliveryState::Dead);
    let deliveries =
        state.list_deliveries(&arguments.tenant, wanted, arguments.after, arguments.limit).await?;
    for delivery in deliveries {
        show::say(&line(&delivery))?;
    }
    Ok(ExitCode::SUCCESS)
}

pub(super) async fn again(arguments: RedeliverArgs) -> Result<ExitCode, Trouble> {
    let RedeliverArgs { scan, tenant, state } = arguments;
    let state = token::connect(&state).await?;
    if state.redeliver(&tenant, scan, token::now()).await? {
        return Ok(ExitCode::SUCCESS);
    }
    Err(Trouble::new(format!(
        "scan {scan} of tenant {tenant} owes no delivery: it has not ended, was cancelled, names no callback, or is another \
         tenant's (--tenant)"
    )))
}

/// `SCAN  STATE  ATTEMPTS  WHEN  URL  REASON`; when it ended, or when it is tried next.
fn line(delivery: &Delivery) -> String {
    let when = delivery.ended_at.or(delivery.next_at).unwrap_or(delivery.created_at);
    let when = Timestamp::from_millisecond(when).map_or_else(|_| "-".to_owned(), |at| format!("{at:.0}"));
    let reason = delivery.reason.as_deref().map(|reason| format!("  {reason}")).unwrap_or_default();
    show::one_line(&format!(
        "{}  {:<9}  {:>2}  {when:<20}  {}{reason}",
        delivery.scan,
        delivery.state.as_str(),
        delivery.attempts,
        shown(&delivery.url),
    ))
}

/// A URL without what may be a secret: its query.
fn shown(url: &str) -> String {
    url.parse::<Url>().map_or_else(
        |_| "?".to_owned(),
        |mut url| {
            url.set_query(None);
            url.to_string()
        },
    )
}

#[cfg(test)]
mod tests {
    use plimsoll_types::ScanId;

    use super::*;

    #[test]
    fn a_delivery_is_one_line_without_the_query_of_its_url() {
        let dead = Delivery {
            scan: ScanId::new(0, [0; 10]),
            url: "https://ci.example/hook?token=secret".into(),
            state: DeliveryState::Dead,
            attempts: 4,
            reason: Some("ci.example answered\n404 Not Found".into()),
            created_at: 0,
            next_at: None,
            ended_at: Some(1_700_000_000_000),
        };
        let expected = format!(
            "{}  dead        4  2023-11-14T22:13:20Z  https://ci.example/hook  ci.example answered 404 Not Found",
            dead.scan
        );
        assert_eq!(line(&dead), expected);
    }
}
