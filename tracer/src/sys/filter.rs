//! The seccomp filter that makes a program stop for its tracer.

/// A program for the kernel's filter machine.
#[derive(Clone)]
pub(crate) struct Filter(pub(super) Vec<libc::sock_filter>);

impl Filter {
    /// Stops at every call: also at numbers that nobody knows, and at those that come through a
    /// 32-bit interface.
    pub(crate) fn all() -> Self {
        #[expect(clippy::cast_possible_truncation, reason = "operation codes have 16 bits")]
        let give = (libc::BPF_RET | libc::BPF_K) as u16;
        Self(vec![libc::sock_filter { code: give, jt: 0, jf: 0, k: libc::SECCOMP_RET_TRACE }])
    }
}
