//! Any bytes as an OSV record: what comes out can be matched, and twice the same.

#![no_main]

use libfuzzer_sys::fuzz_target;
use plimsoll_knowledge::feeds;

fuzz_target!(|bytes: &[u8]| {
    for name in ["record.json", "record.yaml"] {
        let feed = feeds::ALL.iter().find(|feed| feed.wants(name)).expect("OSV is both");
        let Ok(advisories) = feed.read(name, bytes) else { continue };
        assert_eq!(feed.read(name, bytes).as_ref(), Ok(&advisories));
        for advisory in advisories {
            assert!(!advisory.id.trim().is_empty());
            assert!(
                advisory
                    .summary
                    .is_none_or(|summary| !summary.contains('\n') && summary.chars().count() <= 201)
            );
            for part in advisory.affected {
                assert!(!(part.ranges.is_empty() && part.versions.is_empty()));
                let scores = part.rating.cvss.iter().filter_map(|score| score.score);
                assert!(scores.into_iter().all(|score| (0.0..=10.0).contains(&score)));
            }
        }
    }
});
