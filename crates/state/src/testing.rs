//! The contract suite: what every dialect promises, one function per promise.
//!
//! [`contract_tests!`](crate::contract_tests) turns them into tests of one dialect. Each test gets a database of its own.

#![cfg_attr(not(test), expect(clippy::wildcard_imports, reason = "the fixture is this suite's vocabulary"))]

mod bells;
mod claims;
mod crawls;
mod deliveries;
mod fixture;
mod judging;
mod layers;
mod plans;
mod scans;
mod streams;
mod tags;
mod tenants;
mod tokens;
mod upkeep;

pub use bells::*;
pub use claims::*;
pub use crawls::*;
pub use deliveries::*;
pub use judging::*;
pub use layers::*;
pub use plans::*;
pub use scans::*;
pub use streams::*;
pub use tags::*;
pub use tenants::*;
pub use tokens::*;
pub use upkeep::*;

/// Makes a module of tests, one per promise. `$fresh` is an expression that gives an empty state as
/// `Option<(Arc<dyn State>, guard)>`, or `None` if there is no such database here and the reason was printed. The guard lives
/// as long as the test. Needs tokio with `macros` and `rt-multi-thread`.
#[macro_export]
macro_rules! contract_tests {
    ($module:ident, $fresh:expr) => {
        $crate::contract_tests!(@each $module, $fresh,
            a_submitted_scan_comes_back_as_asked
            one_idempotency_key_is_one_scan
            one_idempotency_key_is_one_scan_also_at_the_same_time
            an_idempotency_key_with_another_request_is_refused
            a_request_beyond_its_bounds_is_refused
            scans_are_listed_newest_first_and_by_filter
            cancelling_ends_a_scan_once
            an_end_is_an_end
            a_scan_that_cannot_be_resolved_waits_and_then_fails
            a_stale_holder_changes_nothing
            a_postponed_scan_comes_back_at_its_deadline
            whoever_listens_hears_of_work_and_of_ends
            two_claimers_never_get_one_scan
            a_claim_whose_lease_ended_is_claimed_again
            a_claim_nobody_knows_of_is_given_back_at_once
            urgent_lanes_come_first_and_none_starves
            two_claimers_never_get_one_target
            a_plan_gives_the_layers_to_publish
            plans_at_the_same_time_want_each_layer_once
            the_first_plan_wins_and_a_repeated_one_gives_what_was_not_published
            a_higher_lane_publishes_again
            a_layer_nobody_waits_for_is_published_for_the_next_scan
            a_blob_that_occurs_twice_is_one_layer
            nobody_waits_for_an_unreadable_layer
            evidence_of_a_retired_version_is_wanted_again
            a_plan_of_known_layers_can_be_judged_at_once
            a_plan_of_done_layers_is_recorded_once
            a_strangers_words_are_kept_harmless
            the_first_done_wins
            a_failing_source_is_dropped_and_the_next_is_tried
            a_layer_without_a_source_is_gone_until_a_scan_brings_one
            a_failure_that_arrives_twice_counts_once
            a_layer_is_quarantined_after_its_attempts
            an_unknown_layer_is_ignored
            what_is_outstanding_is_handed_out_again_and_to_one_only
            what_was_never_published_is_handed_out_also_if_others_wait
            a_scan_put_back_counts_no_attempt
            what_nobody_waits_for_is_not_handed_out
            lost_evidence_makes_a_layer_wanted_again
            the_backlog_counts_what_is_waited_for
            a_target_is_complete_when_no_layer_is_outstanding
            a_result_before_the_plan_is_committed_is_not_missed
            results_at_the_same_time_complete_every_scan
            a_claimed_target_has_everything_judging_needs
            judged_twice_the_first_wins
            an_index_is_judged_when_its_last_platform_is
            platforms_judged_at_the_same_time_end_their_scan_once
            at_its_deadline_a_scan_is_judged_and_its_layers_go_on_in_backfill
            giving_up_ends_a_scan_with_its_reason
            a_released_target_comes_back
            a_verdict_is_found_by_image_index_and_reference
            verdicts_are_numbered_after_they_are_committed
            numbers_have_no_holes_whoever_gives_them
            a_cursor_outside_the_stream_is_refused
            one_delivery_is_owed_for_each_end
            a_delivery_is_retried_until_it_is_dead_and_again_by_hand
            two_claimers_never_get_one_delivery
            tenants_see_nothing_of_each_other
            a_layer_of_another_tenant_is_not_known
            a_failure_of_one_tenants_source_does_not_touch_another
            tokens_are_found_by_their_hash_until_revoked
            a_tag_is_new_once
            a_tag_that_moves_closes_one_row_and_opens_another
            an_event_that_comes_late_moves_nothing
            what_is_gone_is_closed
            what_a_whole_sweep_has_not_seen_is_gone
            a_history_is_read_in_pages
            tags_of_another_tenant_registry_or_repository_are_others
            a_tag_seen_by_several_at_once_is_new_to_one
            a_crawl_goes_on_where_it_was
            a_crawl_that_is_put_off_comes_back
            a_plan_counts_each_layer_once
            a_crawl_shows_what_became_of_its_plan
            what_was_asked_for_is_found_by_its_digest
            layers_of_a_known_image_are_known
            a_schedule_starts_one_crawl_at_a_time
            crawls_are_listed_cancelled_and_kept_apart
            how_a_registry_wants_to_be_asked_is_kept
            what_ended_long_ago_is_forgotten
            an_image_another_scan_is_about_is_kept
            who_is_alone_takes_over_at_once
            who_was_never_used_says_so
            what_is_retained_is_given_in_pages_until_it_is_forgotten
            layers_of_no_image_are_let_go_of_and_wanted_again
        );
    };
    (@each $module:ident, $fresh:expr, $($promise:ident)*) => {
        mod $module {
            use super::*;
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $promise() {
                    if let Some((state, _guard)) = $fresh {
                        $crate::testing::$promise(state).await;
                    }
                }
            )*
        }
    };
}
