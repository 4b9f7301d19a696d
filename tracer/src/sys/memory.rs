//! The memory of a stopped thread.

use std::io;

use super::Tid;

const PAGE: u64 = 4096;

/// Reads as many bytes from `address` on as are mapped, and says how many.
pub(crate) fn read(tid: Tid, address: u64, buffer: &mut [u8]) -> usize {
    let mut done = 0;
    while done < buffer.len() {
        let from = address.wrapping_add(done as u64);
        let rest = &mut buffer[done..];
        let mut count = transfer_in(tid, from, rest);
        if count == 0 {
            // The kernel may refuse a range as a whole for its last page: try up to its border.
            let to_border = usize::try_from(PAGE - from % PAGE).unwrap_or(usize::MAX);
            if to_border >= rest.len() {
                break;
            }
            count = transfer_in(tid, from, &mut rest[..to_border]);
            if count == 0 {
                break;
            }
        }
        done += count;
    }
    done
}

fn transfer_in(tid: Tid, address: u64, buffer: &mut [u8]) -> usize {
    let local = libc::iovec { iov_base: buffer.as_mut_ptr().cast(), iov_len: buffer.len() };
    // The address belongs to the other process; it is never followed in this one.
    let remote = libc::iovec { iov_base: address as *mut libc::c_void, iov_len: buffer.len() };
    // SAFETY: `local` describes the exclusively borrowed buffer, and the kernel checks `remote`.
    let count =
        unsafe { libc::process_vm_readv(tid, &raw const local, 1, &raw const remote, 1, 0) };
    usize::try_from(count).unwrap_or(0)
}

/// Writes all of the bytes.
///
/// # Errors
/// The kernel's, or `WriteZero` if only a part of the range is mapped writable.
pub(crate) fn write(tid: Tid, address: u64, bytes: &[u8]) -> io::Result<()> {
    if bytes.is_empty() {
        return Ok(());
    }
    let local = libc::iovec { iov_base: bytes.as_ptr().cast_mut().cast(), iov_len: bytes.len() };
    // The address belongs to the other process; it is never followed in this one.
    let remote = libc::iovec { iov_base: address as *mut libc::c_void, iov_len: bytes.len() };
    // SAFETY: the kernel only reads from `local`, which describes the borrowed bytes, and checks
    // `remote`.
    let count =
        unsafe { libc::process_vm_writev(tid, &raw const local, 1, &raw const remote, 1, 0) };
    match usize::try_from(count) {
        Ok(count) if count == bytes.len() => Ok(()),
        Ok(_) => Err(io::ErrorKind::WriteZero.into()),
        Err(_) => Err(io::Error::last_os_error()),
    }
}

/// Reads a string up to its NUL, which is not part of the result. `None` if the first byte cannot
/// be read; cut off at `limit` bytes.
pub(crate) fn read_string(tid: Tid, address: u64, limit: usize) -> Option<Vec<u8>> {
    const CHUNK: usize = 256;
    let mut string = Vec::new();
    let mut chunk = [0; CHUNK];
    while string.len() < limit {
        let wanted = CHUNK.min(limit - string.len());
        let count = read(tid, address.wrapping_add(string.len() as u64), &mut chunk[..wanted]);
        if count == 0 {
            return if string.is_empty() { None } else { Some(string) };
        }
        if let Some(end) = chunk[..count].iter().position(|&byte| byte == 0) {
            string.extend_from_slice(&chunk[..end]);
            return Some(string);
        }
        string.extend_from_slice(&chunk[..count]);
    }
    Some(string)
}

/// Reads a number of eight bytes.
pub(crate) fn read_u64(tid: Tid, address: u64) -> Option<u64> {
    let mut bytes = [0; 8];
    (read(tid, address, &mut bytes) == 8).then(|| u64::from_le_bytes(bytes))
}
