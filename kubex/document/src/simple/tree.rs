//! Builds the tree of a simple document.

use super::scan::scan;
use super::sink::{At, Scalar, Sink};
use crate::budget::Budget;
use crate::builder::{Builder, Properties, Tree};
use crate::span::{Chars, Span};
use crate::style::Style;

/// Reads a simple document. `None` if the document is not simple, has a block scalar, is empty, or exceeds the budget.
pub(crate) fn read(text: &str, budget: &Budget) -> Option<Tree> {
    let mut sink = TreeSink(Builder::new(budget, text.len()));
    scan(text, &mut sink)?;
    let tree = sink.0.finish();
    (!tree.entries.is_empty()).then_some(tree)
}

struct TreeSink(Builder);

impl TreeSink {
    fn begin_at(&mut self, is_list: bool, span: Span) -> Option<()> {
        let properties = Properties { span, anchor: None };
        self.0.begin(properties, !is_list).ok()
    }
}

impl Sink for TreeSink {
    #[inline]
    fn begin(&mut self, is_list: bool, at: At) -> Option<()> {
        self.begin_at(is_list, Span::new(at.byte, at.byte))
    }

    #[inline]
    fn end(&mut self, at: At) -> Option<()> {
        // The keys of a simple document are unique, and none is a merge key.
        self.0.close(at.byte, false);
        Some(())
    }

    #[inline]
    fn item(&mut self) -> Option<()> {
        Some(())
    }

    #[inline]
    fn key(&mut self, key: &[u8], at: At) -> Option<()> {
        self.0.text_key(Span::new(at.byte, at.byte + key.len())).ok()
    }

    #[inline]
    fn scalar(&mut self, scalar: Scalar) -> Option<()> {
        let chars = Chars::Written(scalar.chars());
        self.0.untagged(scalar.span, chars, scalar.style).ok()
    }

    #[inline]
    fn missing(&mut self, at: usize) -> Option<()> {
        let span = Span::new(at, at);
        self.0.untagged(span, Chars::Written(span), Style::Plain).ok()
    }

    #[inline]
    fn empty(&mut self, is_list: bool, span: Span) -> Option<()> {
        self.begin_at(is_list, span)?;
        self.0.close(span.end(), false);
        Some(())
    }

    /// What a block scalar means is left to the reader of all YAML.
    fn block(&mut self) -> Option<()> {
        None
    }
}
