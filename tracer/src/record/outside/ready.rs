//! Telling a mirrored run that its descriptors are ready when they were for the earlier one.

use super::super::engine::Engine;
use super::super::mirror::Given;
use super::super::turns::polled;
use super::earlier::{Ready, nth};
use super::give::Coming;
use super::{Answer, low};
use crate::Error;
use crate::sys::Tid;
use crate::table::Row;
use crate::trace::{Call, Data, Payload, call_flags};

const EVENT: usize = 12;
/// How `poll` lays out a descriptor: number, what is wanted, what there is.
const POLLED: usize = 8;

impl Engine<'_> {
    /// What a call is told that waits for what is outside; `None` if it waits for nothing of the
    /// kind.
    pub(super) fn ready_again(
        &mut self,
        tid: Tid,
        row: &Row,
        arguments: &[u64; 6],
        call: &mut Call,
    ) -> Result<Coming, Error> {
        if call.flags & call_flags::OUTSIDE == 0 {
            return Ok(None);
        }
        let Some(task) = self.tasks.get(&tid) else { return Ok(None) };
        let Some(mirror) = &mut self.mirror else { return Ok(None) };
        let there = mirror.there(&task.told.lineage);
        if let Some((ready, data)) = mirror.earlier.ready(&there, call.number)? {
            let given = match row.name {
                "poll" | "ppoll" => polls(call, &data, ready.item.result),
                "select" | "pselect6" => Some(Given { result: ready.item.result, data }),
                _ => self.epolls(arguments, call, &ready),
            };
            if let Some(given) = given {
                return Ok(Some((Answer::Give(given), ready.item.when)));
            }
        }
        call.flags |= call_flags::LIVE;
        *self.mirrored.live.entry(call.number).or_default() += 1;
        let given = match row.name {
            "poll" | "ppoll" => self.would_poll(tid, call),
            "select" | "pselect6" => None,
            _ => self.would_epoll(arguments, call),
        };
        Ok(given.map(|given| (Answer::Give(given), None)))
    }

    /// The members that were ready, with what this run wants to be told for them.
    fn epolls(&self, arguments: &[u64; 6], call: &Call, ready: &Ready) -> Option<Given> {
        let epoll = self.epoll(call.object(0)?);
        let members = self.outside.epolls.get(&epoll)?;
        let mut bytes = Vec::new();
        for (label, which, events) in &ready.members {
            let same = |at: &usize| nth(members, *at) == (*label, *which);
            let Some(at) = (0..members.len()).find(same) else { continue };
            bytes.extend_from_slice(&events.to_le_bytes());
            bytes.extend_from_slice(&members[at].data.to_le_bytes());
        }
        let most = usize::try_from(low(arguments[2])).unwrap_or(0);
        bytes.truncate(most.saturating_mul(EVENT));
        if bytes.is_empty() && ready.item.result > 0 {
            return None;
        }
        let result = if ready.item.result < 0 { ready.item.result } else { count(&bytes, EVENT) };
        Some(Given { result, data: vec![received(1, bytes)] })
    }

    /// What is ready in a run that waits where the earlier one did not: what has come by then, and
    /// all that is to be written to.
    fn would_poll(&self, tid: Tid, call: &Call) -> Option<Given> {
        let mut bytes = call.payload(0, false)?.bytes.clone();
        let mut result = 0;
        for ((fd, wanted), entry) in polled(&bytes.clone())
            .into_iter()
            .zip(bytes.chunks_exact_mut(POLLED).filter(|entry| entry[3] & 0x80 == 0))
        {
            let known = self.descriptor(tid, fd).and_then(|known| known.source?.earlier);
            let events = known.map_or(0, |number| self.would_be(number));
            let there = events & (wanted | libc::POLLHUP);
            entry[6..].copy_from_slice(&there.to_le_bytes());
            result += i64::from(there != 0);
        }
        (result > 0).then(|| Given { result, data: vec![received(0, bytes)] })
    }

    fn would_epoll(&self, arguments: &[u64; 6], call: &Call) -> Option<Given> {
        let members = self.outside.epolls.get(&self.epoll(call.object(0)?))?;
        let mut bytes = Vec::new();
        for member in members {
            let Some(number) = member.source else { continue };
            let events = u32::from(self.would_be(number).cast_unsigned());
            let hangs_up = u32::from(libc::POLLHUP.cast_unsigned());
            let there = events & (member.events | hangs_up);
            if there != 0 {
                bytes.extend_from_slice(&there.to_le_bytes());
                bytes.extend_from_slice(&member.data.to_le_bytes());
            }
        }
        let most = usize::try_from(low(arguments[2])).unwrap_or(0);
        bytes.truncate(most.saturating_mul(EVENT));
        let result = count(&bytes, EVENT);
        (result > 0).then(|| Given { result, data: vec![received(1, bytes)] })
    }

    /// What would be ready of a place of the earlier run.
    fn would_be(&self, number: u32) -> i16 {
        let Some(earlier) = self.mirror.as_ref().map(|mirror| &mirror.earlier) else { return 0 };
        let waits = earlier.waits_for_connections(number);
        match (earlier.has_input(number), waits) {
            (true, _) => libc::POLLIN | libc::POLLOUT,
            (false, true) => 0,
            (false, false) => libc::POLLIN | libc::POLLHUP | libc::POLLOUT,
        }
    }
}

fn received(argument: u8, bytes: Vec<u8>) -> Data {
    Data { argument, out: true, payload: Payload::whole(bytes) }
}

fn count(bytes: &[u8], size: usize) -> i64 {
    i64::try_from(bytes.len() / size).unwrap_or(i64::MAX)
}

/// What there was of each descriptor, for an array of as many.
fn polls(call: &Call, earlier: &[Data], result: i64) -> Option<Given> {
    if result < 0 {
        return Some(Given { result, data: Vec::new() });
    }
    let earlier = earlier.iter().find(|data| data.argument == 0)?;
    let mut bytes = call.payload(0, false)?.bytes.clone();
    let then = &earlier.payload.bytes;
    if then.len() != bytes.len() {
        return None;
    }
    for (now, then) in bytes.chunks_exact_mut(POLLED).zip(then.chunks_exact(POLLED)) {
        now[6..].copy_from_slice(&then[6..]);
    }
    Some(Given { result, data: vec![received(0, bytes)] })
}
