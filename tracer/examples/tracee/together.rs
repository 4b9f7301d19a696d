//! Waiting for another process by what no file system holds.

use super::{Result, call};

/// Goes on once two processes are here, of those with the same key.
pub(crate) fn meet(key: u64) -> Result {
    const CREATE: u64 = 0o1600;
    let id = call(libc::SYS_semget, [key, 1, CREATE]);
    if id < 0 {
        return Err("no semaphore".into());
    }
    for change in [1, -2, 2] {
        let operation = libc::sembuf { sem_num: 0, sem_op: change, sem_flg: 0 };
        // SAFETY: one operation is told of, which outlives the call.
        let result = unsafe { libc::syscall(libc::SYS_semop, id, &raw const operation, 1) };
        if result != 0 {
            return Err("the semaphore is gone".into());
        }
    }
    Ok(())
}

/// Goes on as another thread, once the first one of the process is gone.
pub(crate) fn headless(words: Vec<String>, begin: fn(&[String]) -> Result) -> ! {
    std::thread::spawn(move || {
        while !std::fs::read_to_string("/proc/self/stat").is_ok_and(|told| told.contains(") Z ")) {
            std::thread::sleep(std::time::Duration::from_millis(1));
        }
        let done = begin(&words);
        std::process::exit(i32::from(done.is_err()));
    });
    loop {
        call(libc::SYS_exit, [0; 3]);
    }
}

/// Whoever waits goes on with an error, and nothing is left.
pub(crate) fn part(key: u64) -> Result {
    let id = call(libc::SYS_semget, [key, 1, 0]);
    let id = u64::try_from(id)?;
    const REMOVE: u64 = libc::IPC_RMID as u64;
    call(libc::SYS_semctl, [id, 0, REMOVE]);
    Ok(())
}
