//! Which type of a unit stands at which offset.

/// Offsets that ascend.
#[derive(Debug, Default)]
pub(super) struct Offsets {
    all: Vec<usize>,
    /// For each stretch of bytes, the index of the first of them in it or behind it.
    firsts: Vec<u32>,
}

/// How many bits of an offset tell a place inside of a stretch.
const STRETCH_BITS: u32 = 6;

impl Offsets {
    /// Takes the next one.
    pub(super) fn push(&mut self, offset: usize, index: u32) {
        self.all.push(offset);
        let stretches = (offset >> STRETCH_BITS) + 1;
        if self.firsts.len() < stretches {
            self.firsts.resize(stretches, index);
        }
    }

    pub(super) fn find(&self, offset: usize) -> Option<usize> {
        let first = *self.firsts.get(offset >> STRETCH_BITS)? as usize;
        let behind = self.all.get(first..)?.iter();
        let before = behind.take_while(|&&other| other < offset).count();
        let index = first + before;
        (self.all.get(index) == Some(&offset)).then_some(index)
    }
}
