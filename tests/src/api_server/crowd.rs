//! A crowd: requests that wait for each other at the door, so that none is answered before all have arrived.

use tokio::sync::watch;

/// The crowd that gathers, where one was asked for.
#[derive(Debug, Default)]
pub(super) struct Crowd(Option<Gathering>);

#[derive(Debug)]
struct Gathering {
    missing: usize,
    is_complete: watch::Sender<bool>,
}

/// Waits until the crowd is complete.
pub(super) struct Place(Option<watch::Receiver<bool>>);

impl Crowd {
    /// The next so many requests wait for each other.
    pub(super) fn gather(&mut self, count: usize) {
        self.0 = (count > 1).then(|| Gathering {
            missing: count,
            is_complete: watch::Sender::new(false),
        });
    }

    /// A request arrives. The last of the crowd, and requests that come when none gathers, need not wait.
    pub(super) fn join(&mut self) -> Place {
        let Some(gathering) = &mut self.0 else {
            return Place(None);
        };
        gathering.missing -= 1;
        if gathering.missing > 0 {
            return Place(Some(gathering.is_complete.subscribe()));
        }
        gathering.is_complete.send_replace(true);
        self.0 = None;
        Place(None)
    }
}

impl Place {
    pub(super) async fn wait(self) {
        if let Some(mut is_complete) = self.0 {
            // A crowd that is given up before it is complete releases every request.
            let _ = is_complete.wait_for(|is_complete| *is_complete).await;
        }
    }
}
