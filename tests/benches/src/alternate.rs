//! Several ways of one work, timed in turn.

use std::hint::black_box;
use std::time::{Duration, Instant};

/// How long a work took over all rounds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Spread {
    /// The shortest.
    pub least: Duration,
    /// The one in the middle.
    pub median: Duration,
    /// What 99 of 100 stay below.
    pub most: Duration,
}

impl Spread {
    /// The spread of these times, of which there is at least one.
    pub fn of(mut times: Vec<Duration>) -> Self {
        times.sort_unstable();
        let at = |share: usize| times[(times.len() * share / 100).min(times.len() - 1)];
        Self {
            least: times[0],
            median: at(50),
            most: at(99),
        }
    }

    /// How many times longer this takes than the other, by their medians.
    pub fn over(self, other: Self) -> f64 {
        self.median.as_secs_f64() / other.median.as_secs_f64()
    }

    /// The same by the least that each took, which what else the machine does disturbs less.
    pub fn least_over(self, other: Self) -> f64 {
        self.least.as_secs_f64() / other.least.as_secs_f64()
    }
}

/// A work that can be done again and again.
pub type Work<'w> = &'w mut dyn FnMut();

/// Does each work once a round, in turn, so that whatever the machine does besides happens to all of them alike.
/// One round before is not counted.
pub fn alternate<const N: usize>(rounds: usize, works: [Work<'_>; N]) -> [Spread; N] {
    alternate_inner(rounds, 1, works)
}

/// The same, each work so many times a round, for works that are shorter than the clock is fine. The spreads are of
/// one time.
pub fn alternate_inner<const N: usize>(rounds: usize, times: u32, works: [Work<'_>; N]) -> [Spread; N] {
    let mut works = works.map(|work| {
        move || {
            let began = Instant::now();
            for _ in 0..times {
                black_box(&mut *work)();
            }
            began.elapsed() / times
        }
    });
    in_turn(
        rounds,
        works.each_mut().map(|work| work as &mut dyn FnMut() -> Duration),
    )
}

/// The same for works that say themselves how long they took, because not all they do is to be counted.
pub fn in_turn<const N: usize>(rounds: usize, mut works: [&mut dyn FnMut() -> Duration; N]) -> [Spread; N] {
    let mut taken: [Vec<Duration>; N] = std::array::from_fn(|_| Vec::with_capacity(rounds));
    for round in 0..=rounds {
        for (work, taken) in works.iter_mut().zip(&mut taken) {
            let took = work();
            if round > 0 {
                taken.push(took);
            }
        }
    }
    taken.map(Spread::of)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_spread_knows_the_least_and_the_one_in_the_middle() {
        let times = [5, 1, 9, 3, 7].map(Duration::from_millis).to_vec();
        let spread = Spread::of(times);
        assert_eq!(spread.least, Duration::from_millis(1));
        assert_eq!(spread.median, Duration::from_millis(5));
        assert_eq!(spread.most, Duration::from_millis(9));
    }

    #[test]
    fn works_are_done_in_turn() {
        let order = std::cell::RefCell::new(Vec::new());
        alternate(
            2,
            [&mut || order.borrow_mut().push('a'), &mut || {
                order.borrow_mut().push('b')
            }],
        );
        assert_eq!(order.into_inner(), ['a', 'b', 'a', 'b', 'a', 'b']);
    }
}
