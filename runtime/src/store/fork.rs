//! Whether this process was forked.

use std::sync::atomic::{AtomicU64, Ordering};

/// How many forks led from the process that first asked to this one.
static FORKS: AtomicU64 = AtomicU64::new(0);

/// One process among those that fork from each other. Unlike asking for the process id, looking
/// takes no system call, so it may be done outside of the markers of a save.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Forks(u64);

impl Forks {
    /// Of this process.
    pub(super) fn of_this_process() -> Self {
        #[cfg(unix)]
        {
            static COUNTED: std::sync::Once = std::sync::Once::new();
            COUNTED.call_once(|| {
                // SAFETY: the function lives as long as the program, which never unloads this code
                // while a store of it is in use, and does what may be done in the child of a
                // process with threads: it adds to an atomic number.
                let _out_of_memory = unsafe { libc::pthread_atfork(None, None, Some(count)) };
            });
        }
        Self(FORKS.load(Ordering::Relaxed))
    }
}

#[cfg(unix)]
unsafe extern "C" fn count() {
    FORKS.fetch_add(1, Ordering::Relaxed);
}

#[cfg(all(test, unix))]
mod tests {
    use std::fs;

    use crate::{Handles, Store, StoreError};

    /// Runs something in a forked child, and tells whether it returned true.
    fn in_child(run: impl FnOnce() -> bool) -> bool {
        // SAFETY: the child runs `run`, which takes no lock that another thread of the tests may
        // hold but that of the allocator, which the C library frees for it, and ends.
        let pid = unsafe { libc::fork() };
        assert!(pid >= 0, "a fork");
        if pid == 0 {
            let fine = std::panic::catch_unwind(std::panic::AssertUnwindSafe(run)).unwrap_or(false);
            // SAFETY: it ends the child, and runs nothing of the parent's.
            unsafe { libc::_exit(i32::from(!fine)) }
        }
        let mut status = 0;
        // SAFETY: the status is a local, and the child is ours and was not waited for.
        let waited = unsafe { libc::waitpid(pid, &raw mut status, 0) };
        waited == pid && libc::WIFEXITED(status) && libc::WEXITSTATUS(status) == 0
    }

    fn is_forked<T>(result: Result<T, StoreError>) -> bool {
        matches!(result, Err(StoreError::Forked { .. }))
    }

    #[test]
    fn a_store_that_has_saved_belongs_to_the_parent() {
        let dir = tempfile::tempdir().unwrap();
        let own = tempfile::tempdir().unwrap();
        let mut store = Store::open(dir.path()).unwrap();
        store.save(&1_u64, 1).unwrap();
        let going_on = dir.path().join("0000000001-step-2.ckpt.tmp");
        fs::write(&going_on, "the parent writes this").unwrap();
        assert!(in_child(|| {
            let refused =
                is_forked(store.save(&3_u64, 3)) && is_forked(store.save_in_background(&3_u64, 3));
            let restored = store.restore::<u64>().is_ok_and(|state| state == Some(1));
            let mut other = Store::open(own.path()).unwrap();
            refused && restored && other.save(&4_u64, 4).is_ok()
        }));
        assert!(going_on.exists(), "the child removes nothing");
        store.save(&2_u64, 2).unwrap();
        assert_eq!(store.restore::<u64>().unwrap(), Some(2));
        assert_eq!(Store::open(own.path()).unwrap().restore::<u64>().unwrap(), Some(4));
    }

    #[test]
    fn a_store_that_has_not_saved_yet_is_the_childs_as_well() {
        let dir = tempfile::tempdir().unwrap();
        let mut store = Store::open(dir.path()).unwrap();
        assert!(in_child(|| store.save(&1_u64, 1).is_ok()));
        assert_eq!(
            store.save(&2_u64, 2).unwrap().path.file_name().unwrap(),
            "0000000001-step-2.ckpt"
        );
    }

    #[test]
    fn a_child_does_not_wait_for_a_thread_of_the_parent() {
        let dir = tempfile::tempdir().unwrap();
        let mut store = Store::open(dir.path()).unwrap();
        let state = vec![7_u64; 4_000_000];
        let staged = store.save_in_background(&state, 1).unwrap();
        assert!(in_child(|| {
            let refused = is_forked(store.finish())
                && is_forked(store.poll())
                && is_forked(store.save(&state, 2))
                && is_forked(store.restore::<Vec<u64>>())
                && is_forked(store.restore_from::<Vec<u64>>(&staged.path, Handles::new()));
            let going_on = store.is_saving();
            drop(std::mem::replace(&mut store, Store::open(dir.path()).unwrap()));
            refused && !going_on
        }));
        assert_eq!(store.finish().unwrap().map(|written| written.step), Some(1));
    }
}
