//! The problems of an input: the first ones in full, and the number of the others.

use kubex_core::{Error, ErrorKind};

/// How many problems are kept in full.
const KEPT: usize = 20;

/// Problems that authors of objects can cause in any number.
#[derive(Clone, Debug, Default)]
pub(crate) struct Problems {
    first: Vec<Error>,
    others: usize,
}

impl Problems {
    pub(crate) fn add(&mut self, problem: Error) {
        if self.first.len() < KEPT {
            self.first.push(problem);
        } else {
            self.others += 1;
        }
    }

    pub(crate) fn add_all(&mut self, problems: &Self) {
        for problem in &problems.first {
            self.add(problem.clone());
        }
        self.others += problems.others;
    }

    /// The first problems, and one more that counts the others.
    pub(crate) fn into_list(self) -> Vec<Error> {
        let Self { mut first, others } = self;
        if others > 0 {
            let error = Error::new(
                ErrorKind::InvalidValue,
                format_args!("the input has {others} more problems, which are not listed"),
            );
            first.push(error.with_help("solve the listed ones first"));
        }
        first
    }
}

impl From<Error> for Problems {
    fn from(problem: Error) -> Self {
        Self {
            first: vec![problem],
            others: 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_first_problems_are_kept_and_the_others_are_counted() {
        let mut all = Problems::default();
        for _ in 0..3 {
            let mut one = Problems::default();
            for number in 0..1000 {
                one.add(Error::new(ErrorKind::InvalidValue, format_args!("{number}")));
            }
            all.add_all(&one);
        }
        let list = all.into_list();
        assert_eq!(list.len(), KEPT + 1);
        assert!(list[KEPT].message().contains("2980 more"), "{}", list[KEPT]);
        assert_eq!(Problems::from(list[0].clone()).into_list().len(), 1);
    }
}
