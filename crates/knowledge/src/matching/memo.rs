//! What a snapshot has said before: the same packages come back in image after image.
//!
//! A snapshot never changes, so an answer never grows old. But images choose the names and versions that are asked
//! for, so what is kept is bounded, and only what is asked for a second time is kept at all: a process that looks at
//! one image keeps next to nothing.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::hash::{BuildHasher as _, RandomState};
use std::sync::{Arc, Mutex, PoisonError};

use super::answer::Answer;

/// Most bytes of all answers with their questions; twice the size of a generation.
const MAX_BYTES: usize = 64 << 20;
/// A longer question is no package's.
const MAX_QUESTION: usize = 1 << 10;
/// Questions remembered as asked once; 16 bytes each, at most twice that in the table.
const MAX_ASKED: usize = 1 << 16;

/// Answers by question. One for each snapshot, shared by all who use it.
#[derive(Default)]
pub(crate) struct Memo(Mutex<Answers>);

#[derive(Default)]
struct Answers {
    hasher: RandomState,
    /// What was asked for since the last turn.
    young: Generation,
    /// What was asked for before; a turn forgets it.
    old: Generation,
    /// Hashes of what was asked for once.
    asked: HashSet<u64>,
}

#[derive(Default)]
struct Generation {
    answers: HashMap<Box<[u8]>, Arc<Answer>>,
    bytes: usize,
}

/// What is known of a question.
pub(super) enum Recalled {
    /// Its answer.
    Answer(Arc<Answer>),
    /// It was asked before: the answer should be kept.
    Again,
    /// Nothing.
    Nothing,
}

impl Memo {
    /// What is known of each of the questions.
    pub(super) fn recall(&self, questions: &[Vec<u8>]) -> Vec<Recalled> {
        let mut answers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        questions.iter().map(|question| answers.recall(question)).collect()
    }

    /// Keeps the answers to questions.
    pub(super) fn keep(&self, new: impl Iterator<Item = (Vec<u8>, Answer)>) {
        // What takes long is done before others have to wait.
        let new: Vec<_> =
            new.map(|(question, answer)| (question, answer.bytes(), Arc::new(answer))).collect();
        if !new.is_empty() {
            let mut answers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            for (question, bytes, answer) in new {
                answers.keep(question.into_boxed_slice(), bytes, answer);
            }
        }
    }
}

impl Answers {
    fn recall(&mut self, question: &[u8]) -> Recalled {
        if question.len() > MAX_QUESTION {
            return Recalled::Nothing;
        }
        if let Some(answer) = self.young.answers.get(question) {
            return Recalled::Answer(answer.clone());
        }
        if let Some((question, answer)) = self.old.answers.remove_entry(question) {
            self.keep(question, answer.bytes(), answer.clone());
            return Recalled::Answer(answer);
        }
        if self.asked.len() >= MAX_ASKED {
            self.asked.clear();
        }
        if self.asked.insert(self.hasher.hash_one(question)) { Recalled::Nothing } else { Recalled::Again }
    }

    fn keep(&mut self, question: Box<[u8]>, bytes: usize, answer: Arc<Answer>) {
        /// About what the table, the allocator and the counts of an answer take.
        const OVERHEAD: usize = 96;
        let bytes = question.len() + bytes + OVERHEAD;
        if bytes > MAX_BYTES / 2 {
            return;
        }
        if self.young.bytes + bytes > MAX_BYTES / 2 {
            self.old = std::mem::take(&mut self.young);
        }
        if self.young.answers.insert(question, answer).is_none() {
            self.young.bytes += bytes;
        }
    }
}

impl fmt::Debug for Memo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Memo")
    }
}

#[cfg(test)]
mod tests {
    use plimsoll_types::{BlindKind, BlindSpot};

    use super::*;

    fn answer(bytes: usize) -> Answer {
        let message = "m".repeat(bytes);
        Answer {
            blind_spots: vec![BlindSpot::new(BlindKind::VersionUnparsable, "", message)],
            ..Answer::default()
        }
    }

    fn recall(memo: &Memo, question: &[u8]) -> Recalled {
        memo.recall(&[question.to_vec()]).remove(0)
    }

    fn held(memo: &Memo) -> usize {
        let answers = memo.0.lock().unwrap();
        [&answers.young, &answers.old].iter().flat_map(|part| part.answers.values()).map(|a| a.bytes()).sum()
    }

    #[test]
    fn only_what_is_asked_again_is_worth_keeping() {
        let memo = Memo::default();
        assert!(matches!(recall(&memo, b"a"), Recalled::Nothing));
        assert!(matches!(recall(&memo, b"a"), Recalled::Again));
        memo.keep([(b"a".to_vec(), answer(3))].into_iter());
        assert!(matches!(recall(&memo, b"a"), Recalled::Answer(kept) if *kept == answer(3)));
        assert!(matches!(recall(&memo, b"b"), Recalled::Nothing));
    }

    #[test]
    fn absurdly_long_questions_and_answers_are_never_kept() {
        let memo = Memo::default();
        let long = vec![b'x'; MAX_QUESTION + 1];
        assert!(matches!(recall(&memo, &long), Recalled::Nothing));
        assert!(matches!(recall(&memo, &long), Recalled::Nothing));
        memo.keep([(b"a".to_vec(), answer(MAX_BYTES))].into_iter());
        assert_eq!(held(&memo), 0);
    }

    #[test]
    fn it_is_bounded_and_what_is_in_use_stays() {
        let memo = Memo::default();
        memo.keep([(b"used".to_vec(), answer(1))].into_iter());
        for number in 0..200_u32 {
            memo.keep([(number.to_be_bytes().to_vec(), answer(1 << 20))].into_iter());
            assert!(matches!(recall(&memo, b"used"), Recalled::Answer(_)), "{number}");
            assert!(held(&memo) <= MAX_BYTES, "{number}");
        }
        assert!(matches!(recall(&memo, &0_u32.to_be_bytes()), Recalled::Nothing));
    }

    #[test]
    fn what_was_asked_once_is_forgotten_in_time() {
        let memo = Memo::default();
        for number in 0..=MAX_ASKED as u32 {
            assert!(matches!(recall(&memo, &number.to_be_bytes()), Recalled::Nothing));
        }
        assert!(memo.0.lock().unwrap().asked.len() <= MAX_ASKED);
    }
}
