//! A process and its descendants, on systems without process groups: a job object of Windows.
//!
//! A job whose last handle is closed ends its processes. So they end with this program, however it ends.

use std::ffi::{OsStr, OsString};
use std::io;
use std::sync::Mutex;

use tokio::process::Child;

/// The variable that marks the descendants of a run; a job needs no mark, so it only counts the runs.
pub(super) use kubex_core::host::RUN_VARIABLE as MARKER;

#[expect(clippy::unnecessary_wraps, reason = "the same interface as on Unix")]
pub(super) fn prepare() -> io::Result<()> {
    Ok(())
}

pub(super) struct Marker(OsString);

impl Marker {
    pub(super) fn new(_: &[(OsString, OsString)]) -> Self {
        Self(std::process::id().to_string().into())
    }

    pub(super) fn value(&self) -> &OsStr {
        &self.0
    }
}

/// A process and its descendants.
pub(super) struct Family {
    #[cfg(windows)]
    job: Mutex<Option<win32job::Job>>,
    #[cfg(not(windows))]
    job: Mutex<Option<()>>,
}

impl Family {
    /// The descendants that a process starts before it is in the job are not in it. That is a moment after its start.
    #[cfg(windows)]
    pub(super) fn new(child: &Child) -> io::Result<Self> {
        let mut limits = win32job::ExtendedLimitInfo::new();
        limits.limit_kill_on_job_close();
        let job = win32job::Job::create_with_limit_info(&limits).map_err(io::Error::other)?;
        if let Some(handle) = child.raw_handle() {
            job.assign_process(handle as isize).map_err(io::Error::other)?;
        }
        Ok(Self {
            job: Mutex::new(Some(job)),
        })
    }

    #[cfg(not(windows))]
    pub(super) fn new(_: &Child) -> io::Result<Self> {
        Ok(Self {
            job: Mutex::new(Some(())),
        })
    }

    #[expect(clippy::unused_self, reason = "as on Unix")]
    pub(super) fn leader_exited(&self) {}

    /// There is no request to end that every process understands.
    pub(super) fn terminate(&self) {
        self.kill();
    }

    pub(super) fn kill(&self) {
        drop(
            self.job
                .lock()
                .unwrap_or_else(std::sync::PoisonError::into_inner)
                .take(),
        );
    }

    /// Lets what is running outlive the job.
    pub(super) fn release(&self) {
        let job = self.job.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        #[cfg(windows)]
        if let Some(job) = &*job {
            let mut limits = win32job::ExtendedLimitInfo::new();
            limits.clear_limits();
            // Without success, what is running ends with this job.
            let _ = job.set_extended_limit_info(&limits);
        }
        drop(job);
    }
}
