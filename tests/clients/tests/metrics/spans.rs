//! Each fetch is a span, with the events of its source inside.

use std::sync::{Arc, Mutex};

use kubex_core::host::SimulatedHost;
use tracing::span::{Attributes, Id};
use tracing::{Event, Metadata, Subscriber};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt as _};
use tracing_subscriber::registry::{LookupSpan, Registry};

use crate::values::{configuration_with_plugin, prints_token};

/// Lines for spans that open and close, and for events with the span that they are in.
#[derive(Clone, Default)]
struct Trace(Arc<Mutex<Vec<String>>>);

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Trace {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let parent = context
            .span(id)
            .and_then(|span| span.parent())
            .map(|parent| parent.name());
        self.push(format!(
            "open {} {} in {parent:?} {:?}",
            attributes.metadata().target(),
            attributes.metadata().name(),
            attributes.values().to_string()
        ));
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let span = context.event_span(event).map(|span| span.name());
        self.push(format!("event {} in {span:?}", event.metadata().target()));
    }

    fn on_close(&self, id: Id, context: Context<'_, S>) {
        let name = context.span(&id).map(|span| span.name());
        self.push(format!("close {name:?}"));
    }

    fn enabled(&self, metadata: &Metadata<'_>, _: Context<'_, S>) -> bool {
        metadata.target().starts_with("kubex") || metadata.name() == "request"
    }
}

impl Trace {
    fn push(&self, line: String) {
        self.0.lock().unwrap().push(line);
    }
}

#[tokio::test]
async fn a_fetch_is_a_span_in_that_of_the_caller_that_waits_for_it() {
    let trace = Trace::default();
    let _guard = tracing::subscriber::set_default(Registry::default().with(trace.clone()));
    let world = SimulatedHost::new();
    let configuration = configuration_with_plugin(&world).await;
    world.run_processes(prints_token("span-token", 600));
    {
        use tracing::Instrument as _;
        let request = tracing::info_span!(target: "kubex-program", "request");
        let current = configuration.credentials().current();
        current.instrument(request).await.unwrap();
    }
    let lines = trace.0.lock().unwrap().join("\n");
    assert!(
        lines.contains(
            "open kubex::credentials fetch in Some(\"request\") \"{source: \\\"lab\\\", reason: \\\"first\\\"}\""
        ),
        "{lines}"
    );
    assert!(lines.contains("event kubex::exec in Some(\"fetch\")"), "{lines}");
    assert!(lines.contains("close Some(\"fetch\")"), "{lines}");
    assert!(!lines.contains("span-token"), "{lines}");
}
